/** The tests' stand-in for Debezium on a real MariaDB: it must write what Debezium writes, or the tests that use it prove nothing. */
import { expect, test } from "bun:test";
import type { KafkaRecord } from "../../../loader/kafka/consumer.ts";
import { Connector, type ConnectorOptions } from "../../support/origin/connector.ts";
import { type Origin, startOrigin } from "../../support/origin/origin.ts";
import { EVERY_TYPE_ROWS, EVERY_TYPE_TABLE, insertOf, nullRow } from "./every-type.ts";

type Json = Record<string, unknown>;

interface Seen {
  readonly topic: string;
  readonly key: Json | null;
  readonly value: Json | null;
  readonly headers: Record<string, string>;
}

function seen({ topic, key, value, headers }: KafkaRecord): Seen {
  const parse = (bytes: Uint8Array | null) =>
    bytes === null ? null : JSON.parse(Buffer.from(bytes).toString());
  return {
    topic,
    key: parse(key),
    value: parse(value),
    headers: Object.fromEntries([...headers].map(([name, text]) => [name, Buffer.from(text).toString()])),
  };
}

/** A member of an object that is a member of the value. */
function inner({ value }: Seen, outer: string, name: string): unknown {
  const object = value?.[outer];
  return typeof object === "object" && object !== null ? (object as Json)[name] : undefined;
}

function startConnector(origin: Origin, options: Partial<ConnectorOptions> = {}) {
  const records: KafkaRecord[] = [];
  const connector = new Connector({
    origin,
    prefix: "shop",
    partitions: 8,
    schemas: false,
    transactions: false,
    produce: async (more) => void records.push(...more),
    ...options,
  });
  return { connector, take: () => records.splice(0).map(seen) };
}

test("the connector writes a snapshot, then each change as Debezium does, key changes and truncates included", async () => {
  await using origin = await startOrigin();
  await origin.query("CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(20), price DECIMAL(10,2))");
  await origin.query("INSERT INTO t VALUES (1, 'one', 1.50), (2, 'two', -2.05), (3, NULL, NULL)");
  const { connector, take } = startConnector(origin);
  await using _connector = connector;
  await connector.start(["t"]);
  const snapshot = take();
  expect(snapshot.map((record) => [record.value?.["op"], inner(record, "source", "snapshot")])).toEqual([
    ["r", "first"],
    ["r", "true"],
    ["r", "last"],
  ]);
  expect(snapshot[1]?.value?.["after"]).toEqual({ id: 2, name: "two", price: "/zM=" });

  await origin.query("UPDATE t SET name = 'é😀' WHERE id = 1");
  await origin.query("UPDATE t SET id = 9 WHERE id = 2");
  await origin.query("DELETE FROM t WHERE id = 3");
  await connector.caughtUp();
  const changes = take();
  expect(changes.map(({ value, key, headers }) => [value?.["op"] ?? null, key, headers])).toEqual([
    ["u", { id: 1 }, {}],
    ["d", { id: 2 }, { "__debezium.newkey": '{"id":9}' }],
    [null, { id: 2 }, {}],
    ["c", { id: 9 }, { "__debezium.oldkey": '{"id":2}' }],
    ["d", { id: 3 }, {}],
    [null, { id: 3 }, {}],
  ]);
  expect(changes[0]?.value?.["before"]).toEqual({ id: 1, name: "one", price: "AJY=" });
  expect(changes[0]?.value?.["after"]).toEqual({ id: 1, name: "é😀", price: "AJY=" });

  await connector.alter("ALTER TABLE t ADD COLUMN more INT");
  await origin.query("UPDATE t SET more = 7 WHERE id = 1");
  await connector.alter("TRUNCATE TABLE t");
  expect(take().map((record) => [record.value?.["op"], record.key, inner(record, "after", "more")])).toEqual([
    ["u", { id: 1 }, 7],
    ["t", null, undefined],
  ]);
}, 30_000);

test("the connector brackets each transaction with its metadata, and goes on where it stopped", async () => {
  await using origin = await startOrigin();
  await origin.query("CREATE TABLE a (id INT PRIMARY KEY)");
  await origin.query("CREATE TABLE b (id INT PRIMARY KEY)");
  const { connector, take } = startConnector(origin, { transactions: true });
  await connector.start(["a", "b"]);
  const stoppedAt = await connector.stop();
  const own = await origin.connect();
  await own.query("BEGIN");
  for (const id of [1, 2]) await own.query(`INSERT INTO a VALUES (${id})`);
  await own.query("INSERT INTO b VALUES (1)");
  await own.query("COMMIT");
  await own.end();
  if (stoppedAt === null) throw new Error("the connector was not started");
  await using _connector = connector;
  await connector.follow(stoppedAt);
  await connector.caughtUp();
  const [begin, ...rest] = take();
  const end = rest.pop();
  const id = String(begin?.value?.["id"]);
  expect(id).toMatch(/^0-1-\d+$/);
  expect(begin).toMatchObject({ topic: "shop.transaction", key: { id }, value: { status: "BEGIN", id } });
  expect(rest.map((record) => inner(record, "transaction", "total_order"))).toEqual([1, 2, 3]);
  expect(end?.value).toMatchObject({
    status: "END",
    event_count: 3,
    data_collections: [
      { data_collection: `${origin.database}.a`, event_count: 2 },
      { data_collection: `${origin.database}.b`, event_count: 1 },
    ],
  });
}, 30_000);

test("a row of every type comes the same from the binlog and from a snapshot", async () => {
  await using origin = await startOrigin();
  await origin.query(EVERY_TYPE_TABLE);
  const streaming = startConnector(origin, { schemas: true });
  await streaming.connector.start(["every_type"]);
  for (let id = 0; id < EVERY_TYPE_ROWS; id++) await origin.query(insertOf(id));
  await origin.query(nullRow(EVERY_TYPE_ROWS));
  await streaming.connector.caughtUp();
  const streamed = streaming.take().map((record) => inner(record, "payload", "after"));
  await streaming.connector.stop();

  const reading = startConnector(origin, { schemas: true });
  await reading.connector.start(["every_type"]);
  await reading.connector.stop();
  const read = reading.take().map((record) => inner(record, "payload", "after"));
  expect(read).toHaveLength(EVERY_TYPE_ROWS + 1);
  expect(streamed).toEqual(read);
}, 30_000);
