/**
 * Rows as ExtractNewRecordState leaves them: the columns, and fields that were added to them.
 *
 * What was added is no column. It is known by name: the ones that Debezium has, behind the prefix; a field that was
 * renamed on its way (`op:OPERATION`) stays a column that the mapping may use or drop.
 */
import { CtlstoreError, quote } from "../../core/errors.ts";
import type { KafkaRecord } from "../kafka/consumer.ts";
import type { ConnectType } from "../values/connect-type.ts";
import type { ChangeEvent, EventMeta, Image, RowEvent } from "./change-event.ts";
import { hasNewKey, rowOpOf } from "./envelope.ts";
import { malformed } from "./malformed.ts";
import { isMissing, type Members, membersWithout } from "./members.ts";
import { countOf, snapshotMarkOf, sourceOf, timestampOf } from "./meta.ts";

/** Has no prefix of its own choosing. */
const DELETED = "__deleted";

const TIMESTAMPS = ["ts_ms", "ts_us", "ts_ns"];
const SOURCE = [
  ...[...TIMESTAMPS, "version", "connector", "name", "snapshot", "db", "schema", "table", "sequence"],
  ...["server_id", "gtid", "file", "pos", "row", "thread", "query", "txId", "lsn", "xmin"],
];
const TRANSACTION = ["id", "total_order", "data_collection_order"];

type Types = ReadonlyMap<string, ConnectType>;

export class FlattenedReader {
  /** Debezium's name of what may be added, and the name that it gets. */
  readonly #nameOf: ReadonlyMap<string, string>;
  readonly #added: ReadonlySet<string>;
  /** Column types without what was added, by all of them: one per schema, as the types themselves. */
  readonly #columnTypes = new WeakMap<Types, Types>();

  /** @param prefix `add.fields.prefix`, which `add.headers.prefix` must equal where headers are used */
  constructor(prefix: string) {
    if (prefix === "")
      throw new CtlstoreError(
        "mapping_invalid",
        "Cannot tell added fields from columns: their prefix is empty; set add.fields.prefix, which is __ by default",
      );
    const names = [
      "op",
      ...[...SOURCE, ...TRANSACTION],
      ...SOURCE.map((name) => `source_${name}`),
      ...TRANSACTION.map((name) => `transaction_${name}`),
    ];
    this.#nameOf = new Map(names.map((name) => [name, `${prefix}${name}`]));
    this.#added = new Set([DELETED, ...this.#nameOf.values()]);
  }

  /** @throws CtlstoreError `event_malformed` */
  read(payload: Members, type: ConnectType | null, record: KafkaRecord, key: Image | null): ChangeEvent {
    const hasAdded = this.#hasAdded(payload);
    const added = hasAdded || record.headers.size > 0 ? this.#addedOf(payload, record) : NOTHING_ADDED;
    const op = this.#opOf(payload, added);
    const meta = metaOf(added, op, record);
    if (op === null) return { kind: "truncate", meta };
    const columns = hasAdded ? membersWithout(payload, (name) => this.#added.has(name)) : payload;
    const row = this.#imageOf(columns, type);
    const isDelete = op === "delete";
    return {
      kind: "row",
      op,
      meta,
      key,
      before: isDelete ? row : null,
      after: isDelete ? null : row,
      isTombstone: false,
      newKeyFollows: isDelete && hasNewKey(record),
      form: "flattened",
      ...(DELETED in payload ? { marksDeletes: true } : {}),
    };
  }

  /** What was added under a name, to the row or to the headers. */
  #addedOf(payload: Members, record: KafkaRecord): Added {
    return (name) => {
      const prefixed = this.#nameOf.get(name) ?? name;
      const value = payload[prefixed];
      if (!isMissing(value) || record.headers.size === 0) return value;
      return headerText(record.headers.get(prefixed));
    };
  }

  /** Null of a truncate. A row that does not say how it came is an update, which every change of a row may be. */
  #opOf(payload: Members, added: Added): RowEvent["op"] | null {
    const deleted = payload[DELETED];
    if (deleted === true || deleted === "true") return "delete";
    if (!isMissing(deleted) && deleted !== false && deleted !== "false")
      throw malformed("value", `${DELETED} is ${quote(deleted)}`, "it must be true or false", {
        field: DELETED,
      });
    const code = added("op");
    if (isMissing(code)) return "update";
    if (code === "m") throw malformed("value", "its op is m", "a flattened row has none of messages");
    return rowOpOf(code);
  }

  #imageOf(values: Members, type: ConnectType | null): Image {
    for (const _ in values) return { values, types: this.#typesOf(type?.fields ?? null) };
    throw malformed("value", "it has no columns", "it must be an envelope or a flattened row");
  }

  #hasAdded(payload: Members): boolean {
    for (const name in payload) if (this.#added.has(name)) return true;
    return false;
  }

  #typesOf(all: Types | null): Types | null {
    if (all === null) return null;
    const known = this.#columnTypes.get(all);
    if (known !== undefined) return known;
    const types = new Map([...all].filter(([name]) => !this.#added.has(name)));
    this.#columnTypes.set(all, types);
    return types;
  }
}

type Added = (name: string) => unknown;
const NOTHING_ADDED: Added = () => undefined;

function metaOf(added: Added, op: RowEvent["op"] | null, record: KafkaRecord): EventMeta {
  const source: Added = (name) => added(`source_${name}`) ?? added(name);
  const committed = timestampOf((name) => added(`source_${name}`)) ?? timestampOf(added);
  const transaction = added("transaction_id") ?? added("id");
  const order = added("transaction_total_order") ?? added("total_order");
  return {
    source: sourceOf(source("db"), source("schema"), source("table")),
    snapshot: snapshotMarkOf(source("snapshot"), op),
    timestampMs: committed ?? record.timestampMs,
    transaction:
      typeof transaction === "string" && !isMissing(order)
        ? { id: transaction, order: countOf(order, "transaction_total_order") }
        : null,
  };
}

/** A header as Kafka Connect's own converter writes it, or as JSON without schema. */
function headerText(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}
