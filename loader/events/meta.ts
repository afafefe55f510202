/** What an event says about itself: which table, when, in which transaction, from a snapshot or not. */
import { quote } from "../../core/errors.ts";
import { NumberText } from "../../core/exact-json.ts";
import type { KafkaRecord } from "../kafka/consumer.ts";
import type { EventMeta, RowEvent, SnapshotMark } from "./change-event.ts";
import { malformed } from "./malformed.ts";
import { isMembers, isMissing, kindOf, type Members } from "./members.ts";

/** How `source.snapshot` is written: texts since Debezium 1.0, booleans before. */
const SNAPSHOT_MARKS: ReadonlyMap<unknown, SnapshotMark> = new Map<unknown, SnapshotMark>([
  [undefined, "none"],
  [null, "none"],
  [false, "none"],
  ["false", "none"],
  [true, "within"],
  ["true", "within"],
  ["first", "first"],
  ["first_in_data_collection", "first-of-table"],
  ["last_in_data_collection", "last-of-table"],
  ["last", "last"],
  ["incremental", "incremental"],
]);

/** A row that was read is from a snapshot, also where nothing else says so. */
export function snapshotMarkOf(value: unknown, op: RowEvent["op"] | null): SnapshotMark {
  const mark = SNAPSHOT_MARKS.get(value);
  if (mark === undefined) {
    const state = `its source says snapshot ${quote(value)}`;
    throw malformed("value", state, "known are false, true, first, last, incremental and their variants");
  }
  return mark === "none" && op === "read" ? "within" : mark;
}

/** Milliseconds since 1970 of `ts_ms`, else of `ts_us` or `ts_ns`, whichever is there; 0 stands for unknown, too. */
export function timestampOf(read: (name: string) => unknown): number | null {
  const milliseconds =
    integerOf(read("ts_ms")) ??
    divided(integerOf(read("ts_us")), 1_000n) ??
    divided(integerOf(read("ts_ns")), 1_000_000n);
  return milliseconds === null || milliseconds === 0n ? null : Number(milliseconds);
}

function divided(value: bigint | null, by: bigint): bigint | null {
  return value === null ? null : value / by;
}

/** Headers hold numbers as text. */
function integerOf(value: unknown): bigint | null {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : null;
  return typeof value === "string" && /^-?\d{1,19}$/.test(value) ? BigInt(value) : null;
}

/** A count or a position within a transaction. @throws CtlstoreError `event_malformed` */
export function countOf(value: unknown, name: string): number {
  const count = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof count === "number" && Number.isSafeInteger(count) && count >= 0) return count;
  const shown = value instanceof NumberText ? value.text : quote(value);
  throw malformed("value", `${name} is ${shown}`, "it must be a count", { field: name });
}

/** The meta data of an envelope. @throws CtlstoreError `event_malformed` */
export function metaOfEnvelope(payload: Members, op: RowEvent["op"] | null, record: KafkaRecord): EventMeta {
  const source = payload["source"];
  if (!isMissing(source) && !isMembers(source))
    throw malformed("value", `source is ${kindOf(source)}`, "it must be an object", { field: "source" });
  const timestampMs =
    (source ? timestampOf((name) => source[name]) : null) ??
    timestampOf((name) => payload[name]) ??
    record.timestampMs;
  return {
    source: source ? sourceOf(source["db"], source["schema"], source["table"]) : null,
    snapshot: snapshotMarkOf(source?.["snapshot"], op),
    timestampMs,
    transaction: transactionOf(payload["transaction"]),
  };
}

/** The table at the origin, as far as it is said. */
export function sourceOf(database: unknown, schema: unknown, table: unknown): EventMeta["source"] {
  if (typeof table !== "string") return null;
  return {
    database: typeof database === "string" ? database : null,
    schema: typeof schema === "string" ? schema : null,
    table,
  };
}

function transactionOf(block: unknown): EventMeta["transaction"] {
  if (isMissing(block)) return null;
  if (!isMembers(block) || typeof block["id"] !== "string") {
    const needed = "it must be an object with an id";
    throw malformed("value", `transaction is ${kindOf(block)}`, needed, { field: "transaction" });
  }
  return { id: block["id"], order: countOf(block["total_order"], "transaction.total_order") };
}
