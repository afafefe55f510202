/** A table at the origin that changes at random, and the events that Debezium makes of it. */
import type { RowEvent } from "../../../loader/events/change-event.ts";
import { seededRandom } from "../../support/suite.ts";
import { mappedTable, rowEvent, tombstoneEvent } from "./mapped.ts";

/** `id` is the primary key, `code` is unique too. */
interface Row extends Record<string, unknown> {
  readonly id: number;
  readonly code: string;
  readonly note: string | null;
}

export interface Origin {
  /** The column that is the key of our table. */
  readonly key: "id" | "code";
  /** As ExtractNewRecordState leaves the events, with tombstones for deletes. */
  readonly isFlattened: boolean;
}

export interface History {
  readonly origin: Origin;
  /** Of the origin in the end, sorted by id. */
  readonly rows: unknown[];
  readonly events: readonly RowEvent[];
}

const CHANGES = 60;
/** Few, so that keys come again. */
const IDS = 5;

export function runHistory(seed: number, origin: Origin): History {
  const random = seededRandom(seed);
  const pick = (count: number) => Math.floor(random() * count);
  const rows = new Map<number, Row>();
  const events: RowEvent[] = [];
  const isTaken = (code: string, except: number) =>
    [...rows.values()].some((row) => row.code === code && row.id !== except);
  for (let change = 0; change < CHANGES; change++) {
    const before = rows.get(pick(IDS)) ?? null;
    const after: Row = { id: pick(IDS), code: `c${pick(IDS)}`, note: pick(3) === 0 ? null : `n${change}` };
    const isDelete = before !== null && pick(3) === 0;
    if (
      !isDelete &&
      (isTaken(after.code, before?.id ?? after.id) || (rows.has(after.id) && before?.id !== after.id))
    )
      continue;
    if (before !== null) rows.delete(before.id);
    if (!isDelete) rows.set(after.id, after);
    events.push(...eventsOf(before, isDelete ? null : after, pick(4) === 0));
  }
  return {
    origin,
    events: origin.isFlattened ? events.flatMap(flattened) : events,
    rows: [...rows.values()].sort((a, b) => a.id - b.id),
  };
}

/** A changed primary key is a delete, its tombstone and a create; anything may come twice after a crash of the connector. */
function eventsOf(before: Row | null, after: Row | null, isRepeated: boolean): RowEvent[] {
  const events: RowEvent[] = [];
  if (before !== null && before.id !== after?.id) {
    events.push(rowEvent({ op: "delete", before }), tombstoneEvent({ id: before.id }));
  }
  if (after !== null) {
    const isUpdate = before?.id === after.id;
    events.push(isUpdate ? rowEvent({ op: "update", before, after }) : rowEvent({ op: "create", after }));
  }
  return isRepeated ? [...events, ...events] : events;
}

/** Deletes go, their tombstones stay; an update does not tell what was before. */
function flattened(event: RowEvent): RowEvent[] {
  if (event.isTombstone) return [event];
  return event.op === "delete" ? [] : [{ ...event, op: "update", before: null, form: "flattened" }];
}

/** The rows that the events lead to by the mapping. */
export function mappedRows({ origin, events }: History): unknown[] {
  const fields: [string, string][] = [
    ["id", "integer"],
    ["code", "string"],
    ["note", "text"],
  ];
  const table = mappedTable({}, { fields, keyFields: [origin.key] });
  const rows = new Map<string, Record<string, unknown>>();
  for (const mutation of events.flatMap((event) => table.toMutations(event))) {
    if (mutation.delete) rows.delete(mutation.keyText);
    else rows.set(mutation.keyText, { ...mutation.values, id: Number(mutation.values["id"]) });
  }
  return [...rows.values()].sort((a, b) => Number(a["id"]) - Number(b["id"]));
}
