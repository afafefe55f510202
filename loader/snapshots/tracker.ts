/**
 * A lane's knowledge of the origin's snapshots, table by table, for tables whose vanished rows are reported or swept.
 *
 * Everything here is a function of the log from where the cookie says that a snapshot began, so a restart comes to the same.
 */
import { SNAPSHOT_WATCH_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import type { Position } from "../kafka/consumer.ts";
import { partitionKey } from "../kafka/partition-key.ts";
import type { LaneState, OpenSnapshot } from "../lanes/cookie/lane-state.ts";
import type { LanePlan } from "../lanes/lane-contract.ts";
import type { IsAtEnd } from "../lanes/records/intake.ts";
import type { Observed, SnapshotTracker } from "../lanes/snapshot-tracker.ts";
import type { TableTask } from "../lanes/units/unit.ts";
import type { MappedRecord } from "../lanes/units/unit-maker.ts";
import type { ClosedSnapshots } from "./closed-snapshots.ts";
import type { SnapshotMeter } from "./snapshot-meter.ts";
import { type Change, TableWatch, type WatchedTable } from "./table-watch.ts";

export interface SnapshotTrackerDeps {
  readonly closed: ClosedSnapshots;
  readonly meter: SnapshotMeter;
  readonly logger: Logger;
  readonly clock: Clock;
}

export interface SnapshotTrackerOptions {
  /** Default: `SNAPSHOT_WATCH_LIMITS.graceMs`. */
  readonly graceMs?: number;
}

const NO_WATCHES: ReadonlyMap<string, TableWatch> = new Map();
const NOTHING: Observed = { task: null, openSnapshots: null };

export class LaneSnapshotTracker implements SnapshotTracker {
  readonly #plan: Pick<LanePlan, "partitions" | "snapshotTables">;
  readonly #deps: SnapshotTrackerDeps;
  readonly #graceMs: number;
  readonly #startedMs: number;
  /** By topic. */
  #watches = new Map<string, Map<string, TableWatch>>();
  /** As the cookie first said: where events are lost, the lane is begun anew from later ones. */
  readonly #positions = new Map<string, Map<number, number>>();

  constructor(
    plan: Pick<LanePlan, "partitions" | "snapshotTables">,
    deps: SnapshotTrackerDeps,
    options: SnapshotTrackerOptions = {},
  ) {
    this.#plan = plan;
    this.#deps = deps;
    this.#graceMs = options.graceMs ?? SNAPSHOT_WATCH_LIMITS.graceMs;
    this.#startedMs = deps.clock.nowUs() / 1000;
    this.#watchFrom(new Map());
  }

  restore(state: LaneState): readonly Position[] {
    this.#keepPositions(state.positions);
    this.#watchFrom(this.#positions);
    const earliest = new Map<string, Position>();
    for (const snapshot of state.openSnapshots) {
      const { topic } = snapshot;
      const watch = this.#watches.get(topic)?.get(nameOf(snapshot));
      if (watch === undefined) continue;
      watch.restore(snapshot.from);
      for (const [partition, next] of snapshot.from) {
        const place = partitionKey({ topic, partition });
        if (next < (earliest.get(place)?.next ?? Number.POSITIVE_INFINITY))
          earliest.set(place, { topic, partition, next });
      }
    }
    return [...earliest.values()];
  }

  observe(mapped: MappedRecord, isReplay: boolean): Observed {
    const watches = this.#watches.get(mapped.record.topic) ?? NO_WATCHES;
    const changes: Change[] = [];
    const own = mapped.target === null ? undefined : watches.get(nameOf(mapped.target));
    for (const watch of watches.values()) {
      if (mapped.event === null || watch === own) changes.push(watch.observe(mapped));
      else watch.pass(mapped.record);
    }
    const observed = this.#told(changes);
    if (isReplay) return NOTHING;
    const clear = clearTaskOf(mapped);
    if (clear === null) return observed;
    // Nothing is left that could have vanished.
    if (observed.task !== null) this.#deps.closed.drop(observed.task);
    return { ...observed, task: clear };
  }

  tick(nowMs: number, isAtEnd: IsAtEnd): readonly Observed[] {
    return [...this.#watches.keys()]
      .flatMap((topic) => [...this.#watchesOf(topic)])
      .map((watch) => this.#told([watch.tick(nowMs, isAtEnd)]))
      .filter((observed) => observed !== NOTHING);
  }

  #watchesOf(topic: string): Iterable<TableWatch> {
    return this.#watches.get(topic)?.values() ?? [];
  }

  /** A record closes the snapshot of its own table alone. */
  #told(changes: readonly Change[]): Observed {
    const real = changes.filter((change) => change !== null);
    if (real.length === 0) return NOTHING;
    const openSnapshots = this.#openSnapshots();
    return { task: real.find(({ task }) => task !== null)?.task ?? null, openSnapshots };
  }

  #openSnapshots(): OpenSnapshot[] {
    return [...this.#watches.keys()].flatMap((topic) =>
      [...this.#watchesOf(topic)].flatMap((watch) => watch.open ?? []),
    );
  }

  #keepPositions(positions: LaneState["positions"]): void {
    for (const [topic, ofTopic] of positions) {
      const kept = this.#positions.get(topic) ?? new Map<number, number>();
      this.#positions.set(topic, kept);
      for (const [partition, next] of ofTopic) {
        if (!kept.has(partition)) kept.set(partition, next);
      }
    }
  }

  #watchFrom(positions: LaneState["positions"]): void {
    this.#watches = new Map();
    for (const table of this.#plan.snapshotTables) {
      const { topic } = table;
      const partitions = this.#plan.partitions.filter((place) => place.topic === topic);
      const watch = new TableWatch(table, this.#deps, {
        partitions: partitions.map(({ partition }) => partition),
        positions: positions.get(topic) ?? new Map(),
        graceMs: this.#graceMs,
        startedMs: this.#startedMs,
      });
      const ofTopic = this.#watches.get(topic) ?? new Map<string, TableWatch>();
      this.#watches.set(topic, ofTopic.set(nameOf(table), watch));
    }
  }
}

/** The origin truncated the table, and the mapping says to follow. */
function clearTaskOf({ event, target, record }: MappedRecord): TableTask | null {
  if (event?.kind !== "truncate" || target?.onTruncate !== "clear") return null;
  return { kind: "clear", target, record };
}

function nameOf({ family, table }: Omit<WatchedTable, "topic">): string {
  return `${family}/${table}`;
}
