/** What a record says of the transaction that it belongs to. */
import { recordBytes } from "../kafka/record-bytes.ts";
import type { MappedRecord } from "../lanes/units/unit-maker.ts";
import type { HeldRecord } from "./held-records.ts";

export interface Member {
  readonly id: string;
  /** From 1. */
  readonly order: number;
}

/** Null for what belongs to none: rows of snapshots, tombstones, heartbeats, dead letters. */
export function memberOf({ event }: MappedRecord): Member | null {
  return event?.kind === "row" || event?.kind === "truncate" ? event.meta.transaction : null;
}

/** A tombstone belongs to its delete; a dead letter may be an event of the transaction that stands before it. */
export function isFollower({ event }: MappedRecord, before: HeldRecord): boolean {
  if (event === null) return true;
  if (event.kind !== "row" || !event.isTombstone) return false;
  const deletion = before.mapped.event;
  return deletion?.kind === "row" && deletion.op === "delete" && !deletion.isTombstone;
}

/** A record that belongs to no transaction as far as is known. */
export function heldAlone(mapped: MappedRecord): HeldRecord {
  return { mapped, bytes: recordBytes(mapped.record), transaction: null, order: null };
}
