/** Records that are about no row: transactions, heartbeats, changes of the schema. */
import { quote } from "../../core/errors.ts";
import type { KafkaRecord } from "../kafka/consumer.ts";
import type { ConnectType } from "../values/connect-type.ts";
import type { OtherEvent, TransactionEvent } from "./change-event.ts";
import { malformed } from "./malformed.ts";
import { isMembers, isMissing, kindOf, type Members } from "./members.ts";
import { countOf, timestampOf } from "./meta.ts";

const TIMESTAMPS: ReadonlySet<string> = new Set(["ts_ms", "ts_us", "ts_ns"]);

/** True for a record of the transaction topic. */
export function isTransaction(payload: Members, type: ConnectType | null): boolean {
  if (type?.name?.endsWith(".TransactionMetadataValue") === true) return true;
  const { status } = payload;
  return (
    (status === "BEGIN" || status === "END") && "event_count" in payload && "data_collections" in payload
  );
}

/** @throws CtlstoreError `event_malformed` */
export function readTransaction(payload: Members, record: KafkaRecord): TransactionEvent {
  const { status, id } = payload;
  const needed = "a record of the transaction topic has status BEGIN or END, and an id";
  if (status !== "BEGIN" && status !== "END")
    throw malformed("value", `its status is ${quote(status)}`, needed, { field: "status" });
  if (typeof id !== "string") throw malformed("value", `its id is ${kindOf(id)}`, needed, { field: "id" });
  const isEnd = status === "END";
  return {
    kind: "transaction",
    status: isEnd ? "end" : "begin",
    id,
    timestampMs: timestampOf((name) => payload[name]) ?? record.timestampMs,
    collections: isEnd ? collectionsOf(payload["data_collections"]) : null,
    eventCount: isEnd ? countOf(payload["event_count"], "event_count") : null,
  };
}

function collectionsOf(list: unknown): ReadonlyMap<string, number> {
  const collections = new Map<string, number>();
  if (isMissing(list)) return collections;
  const field = "data_collections";
  if (!Array.isArray(list))
    throw malformed("value", `${field} is ${kindOf(list)}`, "it must be an array", { field });
  for (const each of list) {
    const name = isMembers(each) ? each["data_collection"] : undefined;
    if (typeof name !== "string")
      throw malformed("value", `${field} has one whose name is ${kindOf(name)}`, "each needs one", { field });
    const count = countOf(each["event_count"], "event_count");
    collections.set(name, (collections.get(name) ?? 0) + count);
  }
  return collections;
}

/** A heartbeat or a change of the schema; null for anything else. */
export function readOther(
  payload: Members,
  type: ConnectType | null,
  record: KafkaRecord,
): OtherEvent | null {
  const what = isHeartbeat(payload, type, record)
    ? "heartbeat"
    : isSchemaChange(payload, type)
      ? "schema-change"
      : null;
  if (what === null) return null;
  const timestampMs = timestampOf((name) => payload[name]) ?? record.timestampMs;
  return { kind: "other", what, timestampMs };
}

function isHeartbeat(payload: Members, type: ConnectType | null, record: KafkaRecord): boolean {
  if (type?.name?.endsWith(".Heartbeat") === true) return true;
  if (!record.topic.startsWith("__debezium-heartbeat")) return false;
  return Object.keys(payload).every((name) => TIMESTAMPS.has(name));
}

function isSchemaChange(payload: Members, type: ConnectType | null): boolean {
  if (type?.name?.endsWith(".SchemaChangeValue") === true) return true;
  return (
    "ddl" in payload &&
    "databaseName" in payload &&
    ("tableChanges" in payload || isMembers(payload["source"]))
  );
}
