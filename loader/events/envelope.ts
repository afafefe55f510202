/** Debezium's own form: an envelope with the row before and after. */
import { quote } from "../../core/errors.ts";
import type { KafkaRecord } from "../kafka/consumer.ts";
import type { ConnectType } from "../values/connect-type.ts";
import type { ChangeEvent, Image, RowEvent } from "./change-event.ts";
import { malformed } from "./malformed.ts";
import { isMembers, isMissing, kindOf, type Members } from "./members.ts";
import { metaOfEnvelope } from "./meta.ts";

/** By the code that Debezium gives them. */
const ROW_OPS: ReadonlyMap<unknown, RowEvent["op"]> = new Map<unknown, RowEvent["op"]>([
  ["c", "create"],
  ["u", "update"],
  ["d", "delete"],
  ["r", "read"],
]);

/** What an op is; null for `t` and `m`, which are about no single row. @throws CtlstoreError `event_malformed` */
export function rowOpOf(op: unknown): RowEvent["op"] | null {
  const rowOp = ROW_OPS.get(op);
  if (rowOp !== undefined) return rowOp;
  if (op === "t" || op === "m") return null;
  const state =
    isMissing(op) || typeof op !== "string" ? `its op is ${kindOf(op)}` : `its op is ${quote(op)}`;
  throw malformed("value", state, "known are c, u, d, r, t and m", { field: "op" });
}

/** True for what only an envelope has, whatever columns a flattened row may have. */
export function isEnvelope(payload: Members, type: ConnectType | null): boolean {
  if (type?.name?.endsWith(".Envelope") === true) return true;
  if (type?.name?.endsWith(".Value") === true || !("op" in payload)) return false;
  return isMembers(payload["source"]) || ("before" in payload && "after" in payload);
}

/** @param key read only where a row needs it */
export function readEnvelope(
  payload: Members,
  type: ConnectType | null,
  record: KafkaRecord,
  key: () => Image | null,
): ChangeEvent {
  const code = payload["op"];
  const op = rowOpOf(code);
  const meta = metaOfEnvelope(payload, op, record);
  if (op === null) {
    if (code === "t") return { kind: "truncate", meta };
    return { kind: "other", what: "message", timestampMs: meta.timestampMs };
  }
  const before = imageOf(payload, "before", type);
  const after = op === "delete" ? null : imageOf(payload, "after", type);
  if (op !== "delete" && after === null) {
    const needed = `an event with op ${quote(code)} needs the row`;
    throw malformed("value", `after is ${kindOf(payload["after"])}`, needed, { field: "after" });
  }
  return {
    kind: "row",
    op,
    meta,
    key: key(),
    before,
    after,
    isTombstone: false,
    newKeyFollows: op === "delete" && hasNewKey(record),
    form: "envelope",
  };
}

function imageOf(payload: Members, name: "before" | "after", type: ConnectType | null): Image | null {
  const values = payload[name];
  if (isMissing(values)) return null;
  if (!isMembers(values))
    throw malformed("value", `${name} is ${kindOf(values)}`, "it must be an object of columns", {
      field: name,
    });
  return { values, types: type?.fields?.get(name)?.fields ?? null };
}

/** Debezium writes a changed primary key as a delete, which names the new key so, and a create. */
export function hasNewKey(record: KafkaRecord): boolean {
  return record.headers.has("__debezium.newkey");
}
