/**
 * What a lane's cookie holds: how far each partition is, and which snapshots of the origin are coming in.
 *
 * Everything that a restart needs beyond it can be read again from Kafka.
 */

/** A snapshot of one table that has begun and not ended: the marks of its rows are read again from here. */
export interface OpenSnapshot {
  readonly family: string;
  readonly table: string;
  readonly topic: string;
  /** By partition of the topic: the offset of the first record that belongs to it. */
  readonly from: ReadonlyMap<number, number>;
}

export interface LaneState {
  /** By topic and partition: the offset of the first record that has not taken effect. */
  readonly positions: ReadonlyMap<string, ReadonlyMap<number, number>>;
  readonly openSnapshots: readonly OpenSnapshot[];
  /**
   * Batches written since the positions moved last: parts of a transaction that is too large for one, deletes of a table's
   * task. So that each batch has a cookie of its own.
   */
  readonly step: number;
}

export const EMPTY_LANE_STATE: LaneState = { positions: new Map(), openSnapshots: [], step: 0 };
