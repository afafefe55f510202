/** What `loader check` finds out about a mapping, with everything real but Kafka; and that it writes nothing. */
import { describe, expect, test } from "bun:test";
import type { KafkaConsumer, KafkaRecord } from "../../../loader/kafka/consumer.ts";
import { checkMapping } from "../../../loader/mapping/check/check-mapping.ts";
import type { MappingReport } from "../../../loader/mapping/check/report.ts";
import { executiveSchemas } from "../../../loader/mapping/schema-store.ts";
import { faultyFetch } from "../../client/faulty-fetch.ts";
import { ADMIN_TOKEN, openTestApp, type TestApp } from "../../server/test-app.ts";
import {
  type Columns,
  changeRecord,
  column,
  heartbeat,
  jsonText,
  keyChangeHeaders,
  tombstone,
  transactionEnd,
} from "../../support/debezium.ts";
import { mappingText } from "./mapped.ts";
import { rejected } from "./thrown.ts";

interface Parts {
  readonly sample?: readonly string[];
  readonly topics?: Readonly<Record<string, number>>;
  readonly preserveTransactions?: boolean;
  readonly writer?: string;
}

async function check(app: TestApp | null, text: string, parts: Parts = {}): Promise<MappingReport> {
  const schemas =
    app &&
    executiveSchemas({ url: "http://localhost", adminToken: ADMIN_TOKEN, fetch: faultyFetch(app.app).fetch });
  const { topics, sample = null, preserveTransactions = false, writer = "loader" } = parts;
  const kafka = topics === undefined ? null : kafkaWith(topics);
  return checkMapping(text, { schemas, kafka }, { name: "m.json", sample, preserveTransactions, writer });
}

/** Knows how many partitions there are. */
function kafkaWith(topics: Readonly<Record<string, number>>): Pick<KafkaConsumer, "partitionsOf"> {
  return {
    partitionsOf: async (wanted) =>
      new Map(
        wanted.flatMap((topic): [string, number][] => (topic in topics ? [[topic, topics[topic] ?? 0]] : [])),
      ),
  };
}

const decoded = (bytes: Uint8Array | null) => bytes && new TextDecoder().decode(bytes);

/** As `kcat -J` prints a record. */
function kcatLine({ topic, partition, offset, key, value, headers, timestampMs }: KafkaRecord): string {
  const list = [...headers].flatMap(([name, bytes]) => [name, decoded(bytes)]);
  return jsonText({
    ...{ topic, partition, offset, tstype: "create", ts: timestampMs, broker: 0, headers: list },
    ...{ key: decoded(key), payload: decoded(value) },
  });
}

const counters = (table: object = {}) =>
  mappingText([{ topic: "shop.store.counter", table: "counter", ...table }]);
const change = (parts: object) => changeRecord({ database: "store", table: "counter", op: "c", ...parts });

describe("a table", () => {
  test("is shown with its fields and where they come from when it exists", async () => {
    await using app = await openTestApp();
    const report = await check(
      app,
      mappingText([{ fields: { order: "Order", note: { constant: "x" } }, drop: ["a"] }]),
    );
    expect(report).toMatchObject({ ok: true, problems: [], topics: null, lanes: null, sample: null });
    const [table] = report.tables;
    expect(table).toMatchObject({
      place: "tables[0]",
      state: "exists",
      key: ["name"],
      warnings: [],
      problems: [],
    });
    expect(table?.fields.slice(0, 5).map(({ field, type, from }) => [field, type, from])).toEqual([
      ["name", "string", 'column "name", if the event has it'],
      ["order", "integer", 'column "Order"'],
      ["group", "integer", 'column "group", if the event has it'],
      ["weight", "decimal", 'column "weight", if the event has it'],
      ["note", "text", 'constant "x"'],
    ]);
    expect(table?.rest).toBe(
      'other columns go to the field of the same name, and are refused where the table has none; left out: "a"',
    );
  });

  test("is shown with what will be made, and what nothing feeds", async () => {
    await using app = await openTestApp();
    const { tables, ok } = await check(
      app,
      mappingText([
        { topic: "a", table: "new", create: true, fields: { shard: { constant: 1 } } },
        { topic: "b", table: "counter", rest: "drop", fields: { id: "id", colour: "c" }, addFields: true },
      ]),
    );
    expect(ok).toBe(true);
    expect(tables[0]).toMatchObject({ state: "will be made", key: null });
    expect(tables[0]?.fields).toEqual([
      { field: "shard", type: "integer", state: "will be made", from: "constant 1" },
    ]);
    expect(tables[1]?.fields.map(({ field, state }) => [field, state])).toEqual([
      ["id", "exists"],
      ["label", "exists"],
      ["colour", "will be made"],
    ]);
    expect(tables[1]?.warnings).toEqual(['nothing feeds field "label"']);
  });

  test("is shown with all its problems, and those of others", async () => {
    await using app = await openTestApp();
    const { tables, ok } = await check(
      app,
      mappingText([
        { table: "gone" },
        { topic: "b", fields: { colour: "c", order: { constant: "x" } } },
        { topic: "c", table: "counter" },
      ]),
    );
    expect(ok).toBe(false);
    expect(tables.map(({ problems }) => problems.length)).toEqual([1, 2, 0]);
    expect(tables[0]).toMatchObject({ state: "missing" });
    expect(tables[0]?.problems[0]).toContain("does not exist (make it with ctlstore create-table");
  });

  test("that two origins share is a problem of the whole", async () => {
    await using app = await openTestApp();
    const { problems, ok } = await check(app, mappingText([{ topic: "a" }, { topic: "b" }]));
    expect(ok).toBe(false);
    expect(problems).toEqual([expect.stringContaining("tables[1] goes to shop/item like tables[0]")]);
  });
});

describe("a file", () => {
  test("is checked alone without an Executive", async () => {
    const report = await check(null, mappingText([{ fields: { order: "Order" } }]));
    expect(report).toMatchObject({ ok: true });
    expect(report.tables[0]).toMatchObject({ state: "unknown", key: null });
    const { tables, ok } = await check(
      null,
      mappingText([{ fields: { a: { from: "A", column: "nonsense" } } }]),
    );
    expect(ok).toBe(false);
    expect(tables[0]?.problems).toHaveLength(1);
  });

  test("has all its problems told", async () => {
    const { problems, ok } = await check(
      null,
      mappingText([{ topic: 1, rest: 2, lane: 3, create: 4, key: 5 }]),
    );
    expect(ok).toBe(false);
    expect(problems).toHaveLength(5);
    expect((await check(null, "{")).problems).toEqual([expect.stringContaining("line 1, column 2")]);
  });
});

describe("topics", () => {
  test("are counted, and so are the lanes that follow from them", async () => {
    const text = mappingText([
      { topic: "a", lane: "partition" },
      { topic: "b", table: "other" },
    ]);
    const { topics, lanes, ok } = await check(null, text, { topics: { a: 2, b: 64 } });
    expect(ok).toBe(true);
    expect(topics).toEqual([
      { topic: "a", partitions: 2 },
      { topic: "b", partitions: 64 },
    ]);
    expect(lanes?.map(({ lane, writer, partitions }) => [lane, writer, partitions])).toEqual([
      ["a:0", "loader:a:0", 1],
      ["a:1", "loader:a:1", 1],
      ["b", "loader:b", 64],
    ]);
    expect(lanes?.every(({ largestCookieBytes }) => largestCookieBytes <= 1024)).toBe(true);
  });

  test("are a problem each when they are not there, the transaction topic too", async () => {
    const text = mappingText([{ topic: "a" }, { topic: "b", table: "other" }], { transactionTopic: "t" });
    const { problems, lanes } = await check(null, text, { topics: { b: 1 }, preserveTransactions: true });
    expect(problems).toEqual(["topic a is not in Kafka", "topic t is not in Kafka"]);
    expect(lanes).toBeNull();
  });

  test("with more partitions than a cookie holds are a problem", async () => {
    const { problems, ok } = await check(null, mappingText([{ topic: "a" }]), { topics: { a: 2_000 } });
    expect(ok).toBe(false);
    expect(problems).toEqual([expect.stringContaining('give the topic "lane": "partition"')]);
  });

  test("cannot be looked at when the writer's name is none", async () => {
    await rejected(
      check(null, counters(), { topics: { "shop.store.counter": 1 }, writer: "a:b" }),
      "config_invalid",
    );
  });
});

describe("a sample", () => {
  test("is decoded and mapped, line by line", async () => {
    await using app = await openTestApp();
    const sequence = await app.headSequence();
    const text = mappingText([{ topic: "shop.store.counter", table: "counter", onTruncate: "ignore" }], {
      drop: ["store.audit"],
    });
    const before = { id: 1, label: "a" };
    const report = await check(app, text, {
      sample: [
        kcatLine(change({ after: before })),
        "",
        kcatLine(change({ op: "u", before, after: { id: 2n ** 60n + 1n, label: "b" } })),
        kcatLine(change({ op: "d", before, headers: keyChangeHeaders("newkey", { id: 2 }) })),
        kcatLine(tombstone({ id: 1 }, { topic: "shop.store.counter" })),
        kcatLine(heartbeat()),
        kcatLine(transactionEnd("t1", { "store.counter": 1 })),
        kcatLine({ ...change({ table: "audit", after: before }), topic: "shop.store.counter" }),
        kcatLine({ ...change({ op: "t", key: null }), topic: "shop.store.counter" }),
        '{"value": {"id": 9007199254740993, "label": "flat"}, "key": {"id": 9007199254740993}}',
      ],
    });
    expect(report).toMatchObject({ ok: true });
    const lines = report.sample?.map(({ line, outcome, what, mutations }) => [
      ...[line, outcome, what],
      ...mutations.map(({ action, values }) => `${action} ${jsonText(values)}`),
    ]);
    expect(lines).toEqual([
      [1, "loaded", "create", 'upsert {"id":1,"label":"a"}'],
      [3, "loaded", "update", 'delete {"id":1}', 'upsert {"id":1152921504606846977,"label":"b"}'],
      [4, "loaded", "delete", 'delete {"id":1}'],
      [5, "loaded", "tombstone", 'delete {"id":1}'],
      [6, "nothing", "heartbeat"],
      [7, "nothing", "end of transaction t1"],
      [8, "dropped", "a table that the mapping drops"],
      [9, "nothing", "truncate of shop/counter: ignore"],
      [10, "loaded", "update", 'upsert {"id":9007199254740993,"label":"flat"}'],
    ]);
    expect(await app.headSequence()).toBe(sequence);
  });

  test("tells of a topic of several tables whose echo a tombstone is, and which truncation clears nothing", async () => {
    await using app = await openTestApp();
    const topic = "shop.everything";
    const sample = [
      kcatLine(tombstone({ id: 1 }, { topic })),
      kcatLine({ ...change({ op: "t", key: null }), topic }),
    ];
    const named = mappingText([{ topic, table: "counter", source: "store.counter", onTruncate: "clear" }]);
    expect((await check(app, named, { sample })).sample?.map(({ outcome, what }) => [outcome, what])).toEqual(
      [
        ["nothing", "the echo of a delete"],
        ["nothing", "truncate of shop/counter: clear"],
      ],
    );
    const unnamed = mappingText([{ topic, table: "counter", onTruncate: "clear" }]);
    const report = await check(app, unnamed, { sample: sample.slice(1) });
    expect([report.ok, report.sample?.[0]?.outcome]).toEqual([false, "refused"]);
  });

  test("shows what would be made, uses it for the lines after it, and makes nothing", async () => {
    await using app = await openTestApp();
    const sequence = await app.headSequence();
    const text = mappingText([
      { topic: "shop.store.counter", family: "fresh", table: "thing", create: true, addFields: true },
    ]);
    const columns: Columns = { id: column("int64", { optional: false }), name: column("string") };
    const wider: Columns = { ...columns, size: column("double") };
    const lines = [
      change({ after: { id: 1, name: "a" }, columns }),
      change({ after: { id: 2, name: "b", size: 1.5 }, columns: wider }),
    ];
    for (const one of [app, null]) {
      const { sample, ok } = await check(one, text, { sample: lines.map(kcatLine) });
      expect(ok).toBe(true);
      expect(sample?.map(({ made }) => made)).toEqual([
        "table fresh/thing: id:integer name:text, key id",
        "fields of fresh/thing: size:decimal",
      ]);
    }
    expect(await app.headSequence()).toBe(sequence);
    expect((await app.call({ method: "GET", path: "/families/fresh/tables" })).status).toBe(404);
  });

  test("warns of fields that no row of it feeds", async () => {
    await using app = await openTestApp();
    const { tables, ok } = await check(app, counters(), { sample: [kcatLine(change({ after: { id: 1 } }))] });
    expect(ok).toBe(true);
    expect(tables[0]?.warnings).toEqual(['no row of the sample has a column for field "label"']);
  });

  test.each<[string, string, string]>([
    ["a value that does not fit", kcatLine(change({ after: { id: "x", label: "a" } })), "Cannot load"],
    [
      "a column without a field",
      kcatLine(change({ after: { id: 1, colour: "red" } })),
      "(give the table that field",
    ],
    [
      "a topic that is not mapped",
      kcatLine(change({ table: "other", after: { id: 1 } })),
      "neither loads nor drops it",
    ],
    ["an event that is none", '{"topic":"t","key":null,"value":"xyz"}', "Cannot read"],
    ["a line that is no JSON", "{", "Cannot read the sample: line 1, column 2"],
    ["a line that is no object", "[]", "Cannot read the sample"],
  ])("is a problem when a line has %s", async (_, line, expected) => {
    await using app = await openTestApp();
    const { sample, ok } = await check(app, counters(), {
      sample: [line, kcatLine(change({ after: { id: 1, label: "" } }))],
    });
    expect(ok).toBe(false);
    expect(sample?.map(({ outcome }) => outcome)).toEqual(["refused", "loaded"]);
    expect(sample?.[0]?.what).toContain(expected);
  });

  test("is a problem when there are no tables to map it to", async () => {
    const { problems, ok } = await check(null, counters(), { sample: ["{}"] });
    expect(ok).toBe(false);
    expect(problems).toEqual(["the sample needs tables: give --executive, or say create: true"]);
  });
});

describe("what a loader would refuse at its start", () => {
  test("is a problem of the mapping: tables that cannot be swept, and a transaction topic without order", async () => {
    await using app = await openTestApp();
    const sweep = { vanishedRows: "sweep" };
    const of = (topic: string, shard: number) => ({
      ...{ topic, table: "counter", source: `db${shard}.counter`, ...sweep },
      fields: { id: { constant: shard } },
    });
    const topics = { one: 1, two: 1, "shop.transaction": 3, "shop.store.counter": 2 };
    const apart = await check(app, mappingText([of("one", 1), of("two", 2)]), { topics });
    expect([apart.problems, apart.lanes?.length]).toEqual([[], 2]);
    const mixed = await check(app, mappingText([of("one", 1), of("one", 2)]), { topics });
    expect(mixed.problems.join()).toContain("their snapshots cannot be told apart there");
    const split = await check(app, counters({ ...sweep, lane: "partition" }), { topics });
    expect(split.problems.join()).toContain("sees some of the rows only");
    const unordered = await check(
      app,
      mappingText([{ topic: "one", table: "counter" }], { transactionTopic: "shop.transaction" }),
      { topics, preserveTransactions: true },
    );
    expect([unordered.ok, unordered.problems.join()]).toEqual([
      false,
      expect.stringContaining("it needs one, or nobody can tell the transactions' order"),
    ]);
  });
});
