/**
 * Records that cannot be loaded, through the whole path (R33): the loader stops and says which and why, or puts them aside
 * and loads everything else. None is passed over in silence.
 */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { unwrap } from "../../../client/index.ts";
import type { KafkaRecord } from "../../../loader/kafka/consumer.ts";
import { changeRecord, kafkaRecord } from "../../support/debezium.ts";
import { hasKafka } from "../../support/kafka/cluster.ts";
import { LoaderWorld } from "../../support/loader/loader-world.ts";
import { runsOf } from "../../support/suite.ts";

const TOPIC = "shop.store.item";

function good(id: number): KafkaRecord {
  const after = { id, name: `item ${id}`, count: id };
  return changeRecord({ op: "c", topic: TOPIC, database: "store", table: "item", after });
}

const goodValue = (id: number): string => Buffer.from(good(id).value ?? []).toString();

function raw(value: Uint8Array | string, key: unknown = { id: 99 }): KafkaRecord {
  return kafkaRecord({ topic: TOPIC, key, value: typeof value === "string" ? Buffer.from(value) : value });
}

function row(
  after: Record<string, unknown>,
  more: Partial<Parameters<typeof changeRecord>[0]> = {},
): KafkaRecord {
  return changeRecord({ op: "c", topic: TOPIC, database: "store", table: "item", after, ...more });
}

interface Bad {
  readonly what: string;
  readonly record: KafkaRecord;
  readonly code: string;
  /** Stands in the message, beside topic, partition and offset. */
  readonly says: RegExp;
}

const BAD: readonly Bad[] = [
  { what: "malformed JSON", record: raw('{"op": c}'), code: "event_malformed", says: /JSON/ },
  {
    what: "an unknown table",
    record: row({ id: 99, name: "a", count: 1 }, { table: "audit" }),
    code: "event_unmapped",
    says: /store\.audit/,
  },
  {
    what: "a number that is too large",
    record: row({ id: 99, name: "a", count: 9_223_372_036_854_775_808n }),
    code: "event_refused",
    says: /count.*9223372036854775808|9223372036854775808.*count/,
  },
  {
    what: "an event of 2 MiB",
    record: row({ id: 99, name: "x".repeat(2 * 1024 * 1024), count: 1 }),
    code: "event_refused",
    says: /name/,
  },
  { what: "truncated JSON", record: raw(goodValue(99).slice(0, 200)), code: "event_malformed", says: /JSON/ },
  {
    what: "Avro's magic byte",
    record: raw(Uint8Array.from([0, 0, 0, 0, 7, 2, 198, 1])),
    code: "event_malformed",
    says: /Avro/,
  },
  {
    what: "bytes that are no UTF-8",
    record: raw(Uint8Array.from([0x7b, 0xff, 0xfe])),
    code: "event_malformed",
    says: /UTF-8/,
  },
  { what: "an empty value", record: raw(new Uint8Array()), code: "event_malformed", says: /zero bytes/ },
  {
    what: "an unknown op",
    record: raw(goodValue(99).replace('"op":"c"', '"op":"x"')),
    code: "event_malformed",
    says: /"x"/,
  },
  {
    what: "a tombstone without key",
    record: kafkaRecord({ topic: TOPIC, key: null, value: null }),
    code: "event_",
    says: /key/,
  },
  { what: "a missing field", record: row({ id: 99, count: 1 }), code: "event_refused", says: /name/ },
  {
    what: "a text for a number",
    record: row({ id: 99, name: "a", count: "many" }),
    code: "event_refused",
    says: /count/,
  },
];

/** Each is two processes: the first few, which have every code, are enough for the quick suite. */
const STOPS = runsOf({ quick: 4, deep: BAD.length });

async function makeWorld(): Promise<{ world: LoaderWorld; mapping: string }> {
  const world = await LoaderWorld.start();
  unwrap(await world.client.families({ family: "shop" }).post());
  const fields: [string, string][] = [
    ["id", "integer"],
    ["name", "text"],
    ["count", "integer"],
  ];
  const table = world.client.families({ family: "shop" }).tables({ table: "item" });
  unwrap(await table.post({ fields, keyFields: ["id"] }));
  await world.kafka.createTopic(TOPIC, 1);
  const named = { id: "id", name: "name", count: "count" };
  const tables = [{ topic: TOPIC, source: "store.item", family: "shop", table: "item", fields: named }];
  return { world, mapping: world.mapping({ version: 1, tables }) };
}

function idsIn(world: LoaderWorld): number[] {
  using database = new Database(world.ctldbPath, { readonly: true });
  const rows = database.query<{ id: number }, []>("SELECT id FROM shop___item ORDER BY id").all();
  return rows.map(({ id }) => id);
}

/** Each bad record between two good ones, from id 0 on. */
function mixed(): KafkaRecord[] {
  return [good(0), ...BAD.flatMap(({ record }, i) => [record, good(i + 1)])];
}

describe.skipIf(!hasKafka)("R33 a record that cannot be loaded", () => {
  test("stops the loader, which names it and why, until somebody passes over it", async () => {
    const { world, mapping } = await makeWorld();
    await using _world = world;
    await world.produce(mixed());
    for (const [index, { what, code, says }] of BAD.slice(0, STOPS).entries()) {
      const offset = 2 * index + 1;
      const { code: exit, stderr } = await world.loadOnce(mapping);
      const last = stderr.trim().split("\n").slice(-3).join("\n");
      expect({ what, exit, last }).toEqual({ what, exit: 1, last: expect.stringMatching(says) });
      expect(last).toContain(TOPIC);
      expect(last).toMatch(new RegExp(`partition 0\\b.*offset ${offset}\\b`, "s"));
      expect(stderr).toContain(code);
      // What came before it is loaded, and nothing after it.
      expect(idsIn(world)).toEqual(Array.from({ length: index + 1 }, (_, id) => id));
      const sought = await world.run(
        "loader",
        "seek",
        TOPIC,
        "0",
        String(offset + 1),
        "--yes",
        ...world.flags(mapping),
      );
      expect({ ...sought, stdout: "" }).toMatchObject({ code: 0, stderr: "" });
    }
  }, 60_000);

  test("goes to a file with --dead-letter, counted and alarmed, and everything else is loaded", async () => {
    const { world, mapping } = await makeWorld();
    await using _world = world;
    await world.produce(mixed());
    const path = world.folder.file("dead.jsonl");
    const { code, stderr, stdout } = await world.loadOnce(mapping, [
      "--dead-letter",
      `file:${path}`,
      "--json",
    ]);
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({
      records: 2 * BAD.length + 1,
      rows: BAD.length + 1,
      deadLetters: BAD.length,
      lostEvents: 0,
    });
    // Each is an alarm: somebody must look.
    expect(stderr.match(/"level":"error".*"msg":"event put aside"/g)).toHaveLength(BAD.length);
    expect(idsIn(world)).toEqual(Array.from({ length: BAD.length + 1 }, (_, id) => id));
    const letters = readFileSync(path, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(letters.map(({ topic, partition, offset }) => [topic, partition, offset])).toEqual(
      BAD.map((_, i) => [TOPIC, 0, 2 * i + 1]),
    );
    for (const [i, { record, code }] of BAD.entries()) {
      expect(JSON.stringify(letters[i])).toContain(code);
      const value = record.value === null ? null : Buffer.from(record.value).toString("base64");
      expect(JSON.stringify(letters[i])).toContain(JSON.stringify(value));
    }
  }, 60_000);

  test("goes to a topic with --dead-letter, as it was", async () => {
    const { world, mapping } = await makeWorld();
    await using _world = world;
    await world.produce(mixed());
    await world.kafka.createTopic("dead", 1);
    const { code, stderr } = await world.loadOnce(mapping, ["--dead-letter", "topic:dead"]);
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    expect(idsIn(world)).toEqual(Array.from({ length: BAD.length + 1 }, (_, id) => id));
    expect(await world.kafka.watermarks("dead", 0)).toEqual({ low: 0, high: BAD.length });
  }, 60_000);

  test("stops the loader when it is too large for the topic of dead letters", async () => {
    const { world, mapping } = await makeWorld();
    await using _world = world;
    const large = BAD.filter(({ what }) => what === "an event of 2 MiB").map(({ record }) => record);
    await world.produce([good(0), ...large, good(1)]);
    await world.kafka.createTopic("dead", 1);
    const limit = ["--kafka-setting", "message.max.bytes=1000000"];
    const { code, stderr } = await world.loadOnce(mapping, ["--dead-letter", "topic:dead", ...limit]);
    expect(code).toBe(1);
    expect(stderr).toContain("dead_letters_unavailable");
    expect(stderr).toMatch(/size too large/i);
    expect(idsIn(world)).toEqual([0]);
  }, 30_000);

  test("a record without key is loaded when its row says enough", async () => {
    const { world, mapping } = await makeWorld();
    await using _world = world;
    await world.produce([row({ id: 5, name: "five", count: 5 }, { key: null })]);
    const { code, stderr } = await world.loadOnce(mapping);
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    expect(idsIn(world)).toEqual([5]);
  }, 30_000);
});
