/** Tables that cannot be worked on as a whole are refused before the first event. */
import { expect, test } from "bun:test";
import { parseTableSchema } from "../../../core/schema.ts";
import type { LaneKind, Mapping, TableMapping } from "../../../loader/mapping/mapping.ts";
import { assertSweepable } from "../../../loader/snapshots/sweepable.ts";
import { assertOrdered } from "../../../loader/transactions/assert-ordered.ts";
import { TOPIC, targetOf } from "./snapshot-world.ts";

const SHARDED = parseTableSchema("shop", "item", {
  fields: [
    ["shard", "integer"],
    ["id", "string"],
  ],
  keyFields: ["shard", "id"],
});

function mappingOf(tables: readonly TableMapping[], lane: LaneKind = "topic"): Mapping {
  return {
    topics: tables.map(({ topic }) => topic),
    transactionTopic: null,
    families: ["shop"],
    tables,
    laneOf: () => lane,
    target: () => "drop",
  };
}

function refusalOf(mapping: Mapping, partitions = 1): string | null {
  try {
    assertSweepable(mapping, new Map([[TOPIC, partitions]]));
    return null;
  } catch (error) {
    expect(error).toMatchObject({ code: "mapping_invalid" });
    return (error as Error).message;
  }
}

test("a lane for each partition is refused for tables that are swept, reported or cleared, and only for those", () => {
  const quiet = { vanishedRows: "keep", onTruncate: "stop" } as const;
  expect(refusalOf(mappingOf([targetOf()], "partition"), 2)).toContain("sees some of the rows only");
  expect(refusalOf(mappingOf([targetOf({ ...quiet, onTruncate: "clear" })], "partition"), 2)).not.toBeNull();
  expect(
    refusalOf(mappingOf([targetOf({ ...quiet, vanishedRows: "report" })], "partition"), 2),
  ).not.toBeNull();
  expect(refusalOf(mappingOf([targetOf(quiet)], "partition"), 2)).toBeNull();
  expect(refusalOf(mappingOf([targetOf()], "partition"), 1)).toBeNull();
  expect(refusalOf(mappingOf([targetOf()], "topic"), 64)).toBeNull();
});

test("two origins of one table are refused unless constants in the key tell their rows apart", () => {
  const of = (topic: string, constants: ReadonlyArray<readonly [string, number]>) =>
    targetOf({ topic, schema: SHARDED, constants: new Map(constants) });
  expect(refusalOf(mappingOf([of("one", []), of("two", [])]))).toContain("whose a row is");
  expect(refusalOf(mappingOf([of("one", [["shard", 1]]), of("two", [])]))).not.toBeNull();
  expect(refusalOf(mappingOf([of("one", [["shard", 1]]), of("two", [["shard", 1]])]))).not.toBeNull();
  expect(refusalOf(mappingOf([of("one", [["note", 1]]), of("two", [["note", 2]])]))).not.toBeNull();
  expect(refusalOf(mappingOf([of("one", [["shard", 1]]), of("two", [["shard", 2]])]))).toBeNull();
  expect(refusalOf(mappingOf([of("one", []), targetOf({ topic: "two", table: "other" })]))).toBeNull();
});

test("two tables of the origin in one topic are refused for a table that is swept, since their snapshots mix", () => {
  const of = (source: string, shard: number, vanishedRows: "keep" | "sweep" = "sweep") =>
    targetOf({ source, schema: SHARDED, constants: new Map([["shard", shard]]), vanishedRows });
  expect(refusalOf(mappingOf([of("a.item", 1), of("b.item", 2)]))).toContain("cannot be told apart there");
  expect(refusalOf(mappingOf([of("a.item", 1), of("b.item", 2, "keep")]))).not.toBeNull();
  expect(refusalOf(mappingOf([of("a.item", 1, "keep"), of("b.item", 2, "keep")]))).toBeNull();
});

test("a transaction topic of several partitions has no order", () => {
  expect(() => assertOrdered("shop.transaction", 1)).not.toThrow();
  expect(() => assertOrdered("shop.transaction", 3)).toThrow("has 3 partitions");
});
