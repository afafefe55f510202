/**
 * The seam between a lane and its knowledge of the origin's snapshots: which rows came with one, and when it is whole.
 *
 * A mark is a row that a snapshot brought, or that any event wrote since that began. Marks are kept in memory and are a
 * function of the log from the snapshot's beginning, which the cookie has: a restart reads that part again.
 */
import type { Position } from "../kafka/consumer.ts";
import type { LaneState, OpenSnapshot } from "./cookie/lane-state.ts";
import type { IsAtEnd } from "./records/intake.ts";
import type { TableTask } from "./units/unit.ts";
import type { MappedRecord } from "./units/unit-maker.ts";

export interface Observed {
  /** What is to be done when everything up to this record has taken effect. */
  readonly task: TableTask | null;
  /** The snapshots that are open after this record; null when nothing changed about them. */
  readonly openSnapshots: readonly OpenSnapshot[] | null;
}

export interface SnapshotTracker {
  /** Begins with what the cookie says; answers the partitions that must be read from before their position. */
  restore(state: LaneState): readonly Position[];
  /** Looks at the next record of its partition. @param isReplay it took effect before a restart: it is read for its mark only */
  observe(mapped: MappedRecord, isReplay: boolean): Observed;
  /** Snapshots that are whole by now, without another record. */
  tick(nowMs: number, isAtEnd: IsAtEnd): readonly Observed[];
}
