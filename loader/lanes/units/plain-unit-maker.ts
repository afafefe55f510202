/**
 * Each event is a unit by itself, but for a changed primary key: Debezium writes a delete of the old row, its tombstone and a
 * create of the new row, one after the other. Where they lie in one partition they take effect together (R31).
 */
import { LANE_LIMITS } from "../../../core/limits.ts";
import type { Clock } from "../../../core/process/clock.ts";
import type { Position, TopicPartition } from "../../kafka/consumer.ts";
import { partitionKey } from "../../kafka/partition-key.ts";
import { recordBytes } from "../../kafka/record-bytes.ts";
import type { OpenSnapshot } from "../cookie/lane-state.ts";
import type { IsAtEnd } from "../records/intake.ts";
import type { Observed, SnapshotTracker } from "../snapshot-tracker.ts";
import type { RowsUnit, SourcedMutation, TableTask, TableUnit, Unit } from "./unit.ts";
import type { MappedRecord, UnitMaker } from "./unit-maker.ts";

/** A delete that waits for the row's new key. */
interface HeldDelete {
  readonly partition: TopicPartition;
  readonly sinceMs: number;
  readonly records: readonly MappedRecord[];
}

export class PlainUnitMaker implements UnitMaker {
  readonly #tracker: SnapshotTracker;
  readonly #clock: Clock;
  readonly #held = new Map<string, HeldDelete>();
  /** What the next unit says about snapshots; the newest, since units of several partitions may overtake one another. */
  #openSnapshots: readonly OpenSnapshot[] | null = null;

  constructor(tracker: SnapshotTracker, clock: Clock) {
    this.#tracker = tracker;
    this.#clock = clock;
  }

  push(mapped: MappedRecord): readonly Unit[] {
    const { task, openSnapshots } = this.#tracker.observe(mapped, false);
    this.#openSnapshots = openSnapshots ?? this.#openSnapshots;
    const { event } = mapped;
    const key = partitionKey(mapped.record);
    const held = this.#held.get(key)?.records ?? [];
    const isRow = event?.kind === "row";
    if (isRow && event.op === "delete" && event.newKeyFollows && task === null) {
      this.#hold(key, [mapped]);
      return held.length === 0 ? [] : [this.#rowsUnit(held)];
    }
    const records = [...held, mapped];
    if (isRow && event.isTombstone && held.length > 0 && task === null) {
      this.#hold(key, records);
      return [];
    }
    this.#held.delete(key);
    const rows = this.#rowsUnit(records);
    // The work comes first: after a crash between the two the record is read again, and the work with it.
    return [...tableUnits([task]), rows];
  }

  #hold(key: string, records: readonly MappedRecord[]): void {
    const [first] = records;
    if (first === undefined) return;
    const sinceMs = this.#clock.monotonicMs();
    this.#held.set(key, { partition: first.record, sinceMs, records });
  }

  replay(mapped: MappedRecord): void {
    this.#tracker.observe(mapped, true);
  }

  tick(nowMs: number, isAtEnd: IsAtEnd): readonly Unit[] {
    const units: Unit[] = [];
    for (const [key, { partition, sinceMs, records }] of this.#held) {
      const heldMs = nowMs - sinceMs;
      const isLate = heldMs >= LANE_LIMITS.newKeyMs && isAtEnd(partition);
      if (!isLate && heldMs < LANE_LIMITS.newKeyAnywayMs) continue;
      this.#held.delete(key);
      units.push(this.#rowsUnit(records));
    }
    return [...units, ...this.#tracker.tick(nowMs, isAtEnd).flatMap((observed) => this.#dueUnits(observed))];
  }

  get held(): { readonly records: number; readonly bytes: number } {
    let records = 0;
    let bytes = 0;
    for (const held of this.#held.values()) {
      records += held.records.length;
      for (const { record } of held.records) bytes += recordBytes(record);
    }
    return { records, bytes };
  }

  /** Snapshots that are whole without another record. */
  #dueUnits({ task, openSnapshots }: Observed): readonly Unit[] {
    if (openSnapshots !== null) this.#openSnapshots = openSnapshots;
    const rows = openSnapshots === null ? [] : [this.#rowsUnit([])];
    return [...tableUnits([task]), ...rows];
  }

  #rowsUnit(records: readonly MappedRecord[]): RowsUnit {
    const mutations: SourcedMutation[] = [];
    const advances: Position[] = [];
    for (const mapped of records)
      for (const mutation of mapped.mutations) mutations.push({ mutation, record: mapped.record });
    const last = records.at(-1)?.record;
    if (last !== undefined)
      advances.push({ topic: last.topic, partition: last.partition, next: last.offset + 1 });
    const openSnapshots = this.#openSnapshots;
    this.#openSnapshots = null;
    return {
      kind: "rows",
      mutations,
      advances,
      isTransaction: false,
      ...(openSnapshots === null ? {} : { openSnapshots }),
    };
  }
}

function tableUnits(tasks: readonly (TableTask | null)[]): readonly TableUnit[] {
  return tasks.flatMap((task) => (task === null ? [] : [{ kind: "table", task, advances: [] }]));
}
