/** Turns records that take effect together into units: rows in the origin's order, with work on whole tables where it belongs. */
import type { Position, TopicPartition } from "../kafka/consumer.ts";
import type { OpenSnapshot } from "../lanes/cookie/lane-state.ts";
import type { Observed, SnapshotTracker } from "../lanes/snapshot-tracker.ts";
import type { RowsUnit, SourcedMutation, TableTask, Unit } from "../lanes/units/unit.ts";
import type { HeldRecord } from "./held-records.ts";

/** Records of one partition, in its order. */
export interface Taken {
  readonly partition: TopicPartition;
  readonly records: readonly HeldRecord[];
}

export interface Composition {
  readonly units: readonly Unit[];
  readonly mutations: readonly SourcedMutation[];
}

/**
 * Positions move with the last unit, so that a crash anywhere brings all of it again.
 *
 * @param transaction the one whose rows belong together; null for a record by itself
 */
export function composeUnits(
  taken: readonly Taken[],
  tracker: SnapshotTracker,
  transaction: string | null,
): Composition {
  const isTransaction = transaction !== null;
  const advances = taken.flatMap(({ partition, records }) => positionAfter(partition, records));
  const all: SourcedMutation[] = [];
  let rows: SourcedMutation[] = [];
  let openSnapshots: readonly OpenSnapshot[] | null = null;
  const before: Unit[] = [];
  const units: Unit[] = [];
  for (const { mapped } of inOrder(taken, transaction)) {
    const observed: Observed = tracker.observe(mapped, false);
    openSnapshots = observed.openSnapshots ?? openSnapshots;
    const { task } = observed;
    // What vanished is not in the transaction: it goes first. The table that was truncated is cleared in its place.
    if (task?.kind === "vanished") before.push(tableUnit(task));
    if (task?.kind === "clear") {
      if (rows.length > 0) units.push(rowsUnit(rows, [], isTransaction));
      units.push(tableUnit(task));
      rows = [];
    }
    for (const mutation of mapped.mutations) {
      const sourced = { mutation, record: mapped.record };
      rows.push(sourced);
      all.push(sourced);
    }
  }
  const last = rowsUnit(rows, advances, isTransaction);
  return {
    units: [...before, ...units, openSnapshots === null ? last : { ...last, openSnapshots }],
    mutations: all,
  };
}

function positionAfter(
  { topic, partition }: TopicPartition,
  records: readonly HeldRecord[],
): readonly Position[] {
  const last = records.at(-1);
  return last === undefined ? [] : [{ topic, partition, next: last.mapped.record.offset + 1 }];
}

/**
 * By the order within the transaction, and never against the order of a partition, which is that of each row's changes. What
 * has no order, or another transaction's, stays behind the record before it; so do events that came again.
 */
function inOrder(taken: readonly Taken[], transaction: string | null): readonly HeldRecord[] {
  const placed = taken.flatMap(({ records }) => {
    let place = 0;
    return records.map((held) => {
      if (held.transaction === transaction) place = Math.max(place, held.order ?? 0);
      return { held, place };
    });
  });
  // Sorting keeps the order of equals, which are of one partition.
  return placed.sort((a, b) => a.place - b.place).map(({ held }) => held);
}

export function rowsUnit(
  mutations: readonly SourcedMutation[],
  advances: readonly Position[],
  isTransaction: boolean,
): RowsUnit {
  return { kind: "rows", mutations, advances, isTransaction };
}

export function tableUnit(task: TableTask): Unit {
  return { kind: "table", task, advances: [] };
}
