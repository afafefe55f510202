/** Which partitions share a cookie, and the names of the writers that keep them apart. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { planLanes } from "../../../loader/lanes/lane-plan.ts";
import type { LaneKind, Mapping, TableMapping } from "../../../loader/mapping/mapping.ts";
import { suiteSeed } from "../../support/suite.ts";

interface Given {
  readonly topics: Readonly<Record<string, number>>;
  readonly lane?: LaneKind;
  readonly transactionTopic?: string;
  readonly vanishedRows?: "keep" | "sweep";
  readonly onTruncate?: "stop" | "clear";
  readonly writer?: string;
}

function plan(given: Given, preserveTransactions = false) {
  const { topics, lane = "topic", transactionTopic, vanishedRows = "keep", onTruncate = "stop" } = given;
  const names = Object.keys(topics).filter((topic) => topic !== transactionTopic);
  const mapping: Mapping = {
    topics: names.sort(),
    transactionTopic: transactionTopic ?? null,
    families: ["shop"],
    tables: names.map(
      (topic): TableMapping => ({
        topic,
        family: "shop",
        table: "item",
        vanishedRows,
        sweepAtMostPercent: 50,
        onTruncate,
        schema: null,
        constants: new Map(),
        toMutations: () => [],
        schemaNeed: () => null,
      }),
    ),
    laneOf: () => lane,
    target: () => "drop",
  };
  const partitions = new Map(Object.entries(topics));
  return planLanes({ mapping, partitions, writer: given.writer ?? "loader", preserveTransactions });
}

describe("lanes", () => {
  test("are one per topic, each with its own writer, anchored at one of its partitions", () => {
    const lanes = plan({ topics: { "shop.item": 3, "shop.order": 1 } });
    expect(lanes.map(({ writer }) => writer)).toEqual(["loader:shop.item", "loader:shop.order"]);
    expect(lanes[0]?.partitions).toHaveLength(3);
    expect(lanes[0]?.partitions).toContainEqual(lanes[0]?.anchor);
  });

  test("are one per partition where the mapping says so, for topics that several instances share", () => {
    const lanes = plan({ topics: { clicks: 3 }, lane: "partition" });
    expect(lanes.map(({ name, writer }) => [name, writer])).toEqual([
      ["clicks:0", "loader:clicks:0"],
      ["clicks:1", "loader:clicks:1"],
      ["clicks:2", "loader:clicks:2"],
    ]);
    expect(lanes[2]?.anchor).toEqual({ topic: "clicks", partition: 2 });
  });

  test("are one for everything when transactions are preserved, anchored at the transaction topic", () => {
    const [lane, ...others] = plan({ topics: { a: 2, b: 1, tx: 1 }, transactionTopic: "tx" }, true);
    expect(others).toEqual([]);
    expect(lane?.writer).toBe("loader:all");
    expect(lane?.anchor).toEqual({ topic: "tx", partition: 0 });
    expect(lane?.partitions).toHaveLength(4);
    expect(plan({ topics: { b: 1, a: 2 } }, true)[0]?.anchor).toEqual({ topic: "a", partition: 0 });
  });

  test("keep their names when partitions are added to a topic, and mostly their anchors", () => {
    const topics = Array.from({ length: 100 }, (_, i) => `topic${i}`);
    const facts = (count: number) =>
      plan({ topics: Object.fromEntries(topics.map((topic) => [topic, count])) });
    const [before, after] = [facts(8), facts(9)];
    expect(after.map(({ writer }) => writer)).toEqual(before.map(({ writer }) => writer));
    const moved = after.filter(({ anchor }, i) => anchor.partition !== before[i]?.anchor.partition);
    expect(moved.every(({ anchor }) => anchor.partition === 8)).toBe(true);
  });

  test("of many topics are anchored all over their partitions, so that instances share them", () => {
    const topics = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`topic${i}`, 4]));
    const counts = [0, 0, 0, 0];
    for (const { anchor } of plan({ topics })) counts[anchor.partition] = (counts[anchor.partition] ?? 0) + 1;
    for (const count of counts) expect(count).toBeGreaterThan(10);
  });

  test("never share a writer, and its name fits, whatever the topics are called", () => {
    const topic = fc.stringMatching(/^[a-zA-Z0-9._-]{1,249}$/);
    fc.assert(
      fc.property(
        fc.uniqueArray(topic, { minLength: 1, maxLength: 8 }),
        fc.constantFrom("topic", "partition"),
        (names, lane) => {
          const longAlike = names.map((name) => `${"origin.inventory.".repeat(4)}${name}`.slice(0, 249));
          const topics = Object.fromEntries([...names, ...longAlike].map((name) => [name, 12]));
          const writers = plan({ topics, lane, writer: "twenty-characters-it" }).map(({ writer }) => writer);
          expect(new Set(writers).size).toBe(Object.keys(topics).length * (lane === "topic" ? 1 : 12));
          for (const writer of writers) expect(writer.length).toBeLessThanOrEqual(50);
        },
      ),
      { seed: suiteSeed(), numRuns: 40 },
    );
  });

  test("I13 with more partitions than a cookie holds are refused at the start, with the way out", () => {
    expect(plan({ topics: { a: 120 } })).toHaveLength(1);
    expect(() => plan({ topics: { a: 200 } })).toThrow(
      expect.objectContaining({
        code: "mapping_invalid",
        details: { hint: expect.stringContaining("partition") },
      }),
    );
    expect(plan({ topics: { a: 200 }, lane: "partition" })).toHaveLength(200);
  });

  test("R32 of one partition each are refused for tables that are swept or cleared as a whole", () => {
    for (const rule of [{ vanishedRows: "sweep" }, { onTruncate: "clear" }] as const) {
      const given = { topics: { a: 2 }, lane: "partition", ...rule } as const;
      expect(() => plan(given)).toThrow(expect.objectContaining({ code: "mapping_invalid" }));
      expect(plan({ ...given, topics: { a: 1 } })).toHaveLength(1);
    }
  });

  test("are refused for a loader whose name leaves no room, or could be read two ways", () => {
    for (const writer of ["a-name-of-21-characters", "a:b", "a~b", "ab"])
      expect(() => plan({ topics: { a: 1 }, writer })).toThrow();
  });
});
