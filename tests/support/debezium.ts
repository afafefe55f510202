/**
 * Records as Debezium's connectors for MySQL and MariaDB write them with Kafka Connect's JSON converter: names, order of
 * members and forms are those of Debezium 3, older ones where a test says so.
 *
 * `changeRecord` makes a whole Kafka record of a row's change; the functions below it make the parts.
 */
import { NumberText } from "../../core/exact-json.ts";
import type { KafkaRecord } from "../../loader/kafka/consumer.ts";

export type Row = Readonly<Record<string, unknown>>;

/** A schema in Kafka Connect's JSON form. */
export interface ConnectSchema {
  readonly type: string;
  readonly optional?: boolean;
  readonly name?: string;
  readonly version?: number;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly default?: unknown;
  readonly field?: string;
  readonly fields?: readonly ConnectSchema[];
  readonly items?: ConnectSchema;
}

/** The schemas of a table's columns, by name. */
export type Columns = Readonly<Record<string, ConnectSchema>>;

/** A column that may be NULL, as most are; `{ optional: false }` for the others. */
export function column(type: string, more: Partial<ConnectSchema> = {}): ConnectSchema {
  return { type, optional: true, ...more };
}

/** JSON text; bigints and `NumberText`s become numbers with exactly those digits. */
export function jsonText(value: unknown): string {
  if (value === undefined) throw new Error("undefined has no JSON");
  if (typeof value === "bigint") return value.toString();
  if (value instanceof NumberText) return value.text;
  if (Array.isArray(value)) return `[${value.map(jsonText).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, item]) => item !== undefined);
  return `{${members.map(([name, item]) => `${JSON.stringify(name)}:${jsonText(item)}`).join(",")}}`;
}

export function jsonBytes(value: unknown): Uint8Array {
  return Buffer.from(jsonText(value), "utf8");
}

export interface RecordParts {
  readonly topic?: string;
  readonly partition?: number;
  readonly offset?: number;
  /** A JSON value, or bytes as they are; null or absent is no key. */
  readonly key?: unknown;
  /** As the key; null or absent is a tombstone. */
  readonly value?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timestampMs?: number | null;
}

/** When everything in these records happens, unless it is said. */
export const SAMPLE_TS_MS = 1_732_300_800_123;
export const SAMPLE_TOPIC = "shop.inventory.customers";

function bytesOf(value: unknown): Uint8Array | null {
  if (value === null || value === undefined) return null;
  return value instanceof Uint8Array ? value : jsonBytes(value);
}

export function kafkaRecord(parts: RecordParts): KafkaRecord {
  return {
    topic: parts.topic ?? SAMPLE_TOPIC,
    partition: parts.partition ?? 0,
    offset: parts.offset ?? 0,
    key: bytesOf(parts.key),
    value: bytesOf(parts.value),
    headers: new Map(
      Object.entries(parts.headers ?? {}).map(([name, text]) => [name, Buffer.from(text, "utf8")]),
    ),
    timestampMs: parts.timestampMs === undefined ? SAMPLE_TS_MS + 250 : parts.timestampMs,
  };
}

/** A record without value: what follows a delete, so that Kafka may forget the key. */
export function tombstone(key: unknown, more: Omit<RecordParts, "key" | "value"> = {}): KafkaRecord {
  return kafkaRecord({ ...more, key, value: null });
}

export interface EnvelopeParts {
  readonly op: string;
  readonly before?: Row | null;
  readonly after?: Row | null;
  readonly connector?: "mysql" | "mariadb";
  readonly database?: string;
  readonly table?: string;
  /** `source.snapshot`; older connectors write booleans. */
  readonly snapshot?: string | boolean;
  readonly tsMs?: number;
  readonly transaction?: { readonly id: string; readonly order: number } | null;
  /** Replaces or adds members of `source`; undefined leaves one out. */
  readonly source?: Row;
}

/** `source` of an envelope. `ts_us` and `ts_ns` are since Debezium 2.6. */
export function sourceOf(parts: Omit<EnvelopeParts, "op">): Row {
  const tsMs = parts.tsMs ?? SAMPLE_TS_MS;
  const connector = parts.connector ?? "mysql";
  return {
    version: "3.0.8.Final",
    connector,
    name: "shop",
    ts_ms: tsMs,
    snapshot: parts.snapshot ?? "false",
    db: parts.database ?? "inventory",
    sequence: null,
    ts_us: BigInt(tsMs) * 1_000n,
    ts_ns: BigInt(tsMs) * 1_000_000n,
    table: parts.table ?? "customers",
    server_id: 223344,
    gtid: connector === "mysql" ? null : "0-1-720",
    file: connector === "mysql" ? "mysql-bin.000003" : "mariadb-bin.000003",
    pos: 10524,
    row: 0,
    thread: 13,
    query: null,
    ...parts.source,
  };
}

/** The payload of a change event: `{ before, after, source, transaction, op, ts_ms, ts_us, ts_ns }`. */
export function envelope(parts: EnvelopeParts): Row {
  const processedMs = (parts.tsMs ?? SAMPLE_TS_MS) + 87;
  const { transaction = null } = parts;
  return {
    before: parts.before ?? null,
    after: parts.after ?? null,
    source: sourceOf(parts),
    transaction: transaction && {
      id: transaction.id,
      total_order: transaction.order,
      data_collection_order: transaction.order,
    },
    op: parts.op,
    ts_ms: processedMs,
    ts_us: BigInt(processedMs) * 1_000n + 456n,
    ts_ns: BigInt(processedMs) * 1_000_000n + 456_789n,
  };
}

/** A row as ExtractNewRecordState leaves it: the columns, then the added fields. */
export function flattened(row: Row, added: Row = {}): Row {
  return { ...row, ...added };
}

/** What `schemas.enable=true` makes of a key or a value. */
export function withSchema(schema: ConnectSchema, payload: unknown): Row {
  return { schema, payload };
}

function fieldsOf(columns: Columns): ConnectSchema[] {
  return Object.entries(columns).map(([field, schema]) => ({ ...schema, field }));
}

/** The schema of a flattened value. */
export function rowSchema(columns: Columns, topic = SAMPLE_TOPIC): ConnectSchema {
  return { type: "struct", fields: fieldsOf(columns), optional: false, name: `${topic}.Value` };
}

/** The schema of a key, of these columns of the table. */
export function keySchema(columns: Columns, key: readonly string[], topic = SAMPLE_TOPIC): ConnectSchema {
  const fields = key.map((field) => ({ ...(columns[field] ?? column("string")), optional: false, field }));
  return { type: "struct", fields, optional: false, name: `${topic}.Key` };
}

const int64 = (field: string, optional = true): ConnectSchema => ({ type: "int64", optional, field });
const text = (field: string, optional = true): ConnectSchema => ({ type: "string", optional, field });

function sourceSchema(connector: "mysql" | "mariadb"): ConnectSchema {
  const allowed = "true,first,first_in_data_collection,last_in_data_collection,last,false,incremental";
  const snapshot = {
    type: "string",
    optional: true,
    name: "io.debezium.data.Enum",
    version: 1,
    parameters: { allowed },
    default: "false",
    field: "snapshot",
  };
  const fields = [
    ...[text("version", false), text("connector", false), text("name", false), int64("ts_ms", false)],
    ...[snapshot, text("db", false), text("sequence"), int64("ts_us"), int64("ts_ns"), text("table")],
    ...[int64("server_id", false), text("gtid"), text("file", false), int64("pos", false)],
    ...[{ type: "int32", optional: false, field: "row" }, int64("thread"), text("query")],
  ];
  const name = `io.debezium.connector.${connector}.Source`;
  return { type: "struct", fields, optional: false, name, version: 1, field: "source" };
}

/** The schema of an envelope, as long as the real one. */
export function envelopeSchema(
  columns: Columns,
  topic = SAMPLE_TOPIC,
  connector: "mysql" | "mariadb" = "mysql",
): ConnectSchema {
  const image = (field: string): ConnectSchema => ({
    type: "struct",
    fields: fieldsOf(columns),
    optional: true,
    name: `${topic}.Value`,
    field,
  });
  const transaction: ConnectSchema = {
    type: "struct",
    fields: [text("id", false), int64("total_order", false), int64("data_collection_order", false)],
    optional: true,
    name: "event.block",
    version: 1,
    field: "transaction",
  };
  const fields = [image("before"), image("after"), sourceSchema(connector), transaction, text("op", false)];
  return {
    type: "struct",
    fields: [...fields, int64("ts_ms"), int64("ts_us"), int64("ts_ns")],
    optional: false,
    name: `${topic}.Envelope`,
    version: 2,
  };
}

export interface ChangeParts extends EnvelopeParts, Omit<RecordParts, "key" | "value"> {
  /** Columns of the primary key, whose values come from `after`, else `before`; null for a table without. Default `id`. */
  readonly key?: readonly string[] | null;
  /** Given, key and value come with their schemas. */
  readonly columns?: Columns;
}

/** A record of a row's change in its table's topic: `<prefix>.<database>.<table>` unless another is named. */
export function changeRecord(parts: ChangeParts): KafkaRecord {
  const { columns, headers = {} } = parts;
  const topic = parts.topic ?? `shop.${parts.database ?? "inventory"}.${parts.table ?? "customers"}`;
  const image = parts.after ?? parts.before;
  const names = parts.key === undefined ? ["id"] : parts.key;
  const keyRow =
    names === null || image === null || image === undefined
      ? null
      : Object.fromEntries(names.map((name) => [name, image[name]]));
  const value = envelope(parts);
  return kafkaRecord({
    topic,
    partition: parts.partition ?? 0,
    offset: parts.offset ?? 0,
    headers,
    ...(parts.timestampMs === undefined ? {} : { timestampMs: parts.timestampMs }),
    key:
      keyRow === null || columns === undefined
        ? keyRow
        : withSchema(keySchema(columns, names ?? [], topic), keyRow),
    value: columns === undefined ? value : withSchema(envelopeSchema(columns, topic, parts.connector), value),
  });
}

/** The header of the delete that a changed primary key begins with, and of the create that follows it. */
export function keyChangeHeaders(which: "newkey" | "oldkey", key: Row): Record<string, string> {
  return { [`__debezium.${which}`]: jsonText(key) };
}

export interface TransactionParts extends Omit<RecordParts, "key" | "value"> {
  readonly tsMs?: number;
}

/** A record of the transaction topic at the begin of a transaction. */
export function transactionBegin(id: string, parts: TransactionParts = {}): KafkaRecord {
  const value = {
    status: "BEGIN",
    id,
    event_count: null,
    data_collections: null,
    ts_ms: parts.tsMs ?? SAMPLE_TS_MS,
  };
  return kafkaRecord({ topic: "shop.transaction", ...parts, key: { id }, value });
}

/** And at its end. @param counts events by `database.table` */
export function transactionEnd(
  id: string,
  counts: Readonly<Record<string, number>>,
  parts: TransactionParts = {},
): KafkaRecord {
  const collections = Object.entries(counts).map(([name, count]) => ({
    data_collection: name,
    event_count: count,
  }));
  const value = {
    status: "END",
    id,
    event_count: Object.values(counts).reduce((sum, count) => sum + count, 0),
    data_collections: collections,
    ts_ms: parts.tsMs ?? SAMPLE_TS_MS,
  };
  return kafkaRecord({ topic: "shop.transaction", ...parts, key: { id }, value });
}

export function heartbeat(parts: TransactionParts = {}): KafkaRecord {
  const tsMs = parts.tsMs ?? SAMPLE_TS_MS;
  const value = { ts_ms: tsMs, ts_us: BigInt(tsMs) * 1_000n, ts_ns: BigInt(tsMs) * 1_000_000n };
  return kafkaRecord({
    topic: "__debezium-heartbeat.shop",
    ...parts,
    key: { serverName: "shop" },
    value,
  });
}

/** A record of the schema-change topic, which has the name of the topic prefix. */
export function schemaChange(ddl: string, parts: TransactionParts = {}): KafkaRecord {
  const value = {
    source: sourceOf(parts.tsMs === undefined ? {} : { tsMs: parts.tsMs }),
    ts_ms: parts.tsMs ?? SAMPLE_TS_MS,
    databaseName: "inventory",
    schemaName: null,
    ddl,
    tableChanges: [
      {
        type: "ALTER",
        id: '"inventory"."customers"',
        table: {
          defaultCharsetName: "utf8mb4",
          primaryKeyColumnNames: ["id"],
          columns: [],
          attributes: [],
          comment: null,
        },
      },
    ],
  };
  return kafkaRecord({ topic: "shop", ...parts, key: { databaseName: "inventory" }, value });
}
