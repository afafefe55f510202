/** A table's topic, a lane in small that watches its snapshots, and what it told. */
import { silentLogger } from "../../../core/process/logger.ts";
import { parseTableSchema } from "../../../core/schema.ts";
import type { RowEvent, SnapshotMark } from "../../../loader/events/change-event.ts";
import type { LaneState, OpenSnapshot } from "../../../loader/lanes/cookie/lane-state.ts";
import type { Observed } from "../../../loader/lanes/snapshot-tracker.ts";
import type { TableTask } from "../../../loader/lanes/units/unit.ts";
import type { MappedRecord } from "../../../loader/lanes/units/unit-maker.ts";
import type { TableMapping, VanishedRows } from "../../../loader/mapping/mapping.ts";
import { ClosedSnapshots } from "../../../loader/snapshots/closed-snapshots.ts";
import type { SnapshotOutcome } from "../../../loader/snapshots/snapshot-meter.ts";
import { LaneSnapshotTracker } from "../../../loader/snapshots/tracker.ts";
import { mappedAt, rowEvent } from "../mapped-records.ts";

export const TOPIC = "shop.db.item";
export const GRACE_MS = 60_000;

export function targetOf(
  parts: Partial<TableMapping> & { readonly vanishedRows?: VanishedRows } = {},
): TableMapping {
  return {
    topic: TOPIC,
    source: "db.item",
    family: "shop",
    table: "item",
    vanishedRows: "sweep",
    sweepAtMostPercent: 100,
    onTruncate: "clear",
    schema: parseTableSchema("shop", "item", { fields: [["id", "string"]], keyFields: ["id"] }),
    constants: new Map(),
    toMutations: () => [],
    schemaNeed: () => null,
    ...parts,
  };
}

export const TARGET = targetOf();

export function keyText(id: string): string {
  return `s${id.length}:${id},`;
}

/** An event about one row, as `r:first:a`, `u:none:a`, `d:none:a`. */
export function change(
  op: RowEvent["op"],
  id: string,
  snapshot: SnapshotMark = "none",
): Pick<MappedRecord, "event" | "mutations" | "target"> {
  const mutation = {
    family: "shop",
    table: "item",
    delete: op === "delete",
    values: { id },
    keyText: keyText(id),
  };
  return { event: rowEvent({ op, snapshot }), mutations: [mutation], target: TARGET };
}

export interface WorldOptions {
  readonly partitions?: number;
  /** When this process began, in milliseconds since 1970. */
  readonly startedMs?: number;
}

/** A tracker with positions and a cookie of its own. */
export class SnapshotWorld {
  readonly tasks: TableTask[] = [];
  readonly outcomes: SnapshotOutcome[] = [];
  /** Rows of ours, as far as the lane has come. */
  readonly rows = new Set<string>();
  #found: readonly string[] | null = null;
  readonly #log = new Map<number, MappedRecord[]>();
  readonly #read = new Map<number, number>();
  readonly #options: Required<WorldOptions>;
  #closed = new ClosedSnapshots();
  #tracker: LaneSnapshotTracker;
  openSnapshots: readonly OpenSnapshot[] = [];
  /** Before which offset records are gone from Kafka. */
  low = 0;
  /** Offsets of records that compaction has removed, as `partition/offset`. */
  readonly compacted = new Set<string>();

  constructor(options: WorldOptions = {}) {
    this.#options = { partitions: 1, startedMs: 0, ...options };
    for (const partition of this.partitions) this.#log.set(partition, []);
    this.#tracker = this.#newTracker();
  }

  get partitions(): readonly number[] {
    return Array.from({ length: this.#options.partitions }, (_, partition) => partition);
  }

  unread(partition: number): number {
    return (this.#log.get(partition)?.length ?? 0) - (this.#read.get(partition) ?? 0);
  }

  /** Puts a record into the topic. */
  produce(
    what: Pick<MappedRecord, "event" | "mutations" | "target">,
    { partition = 0, timestampMs = 0 }: { partition?: number; timestampMs?: number } = {},
  ): void {
    const log = this.#log.get(partition) ?? [];
    const place = { topic: TOPIC, partition, offset: log.length, timestampMs };
    log.push(mappedAt(place, what.event, what.mutations, what.target));
  }

  /** Reads the next record of a partition. */
  read(partition = 0): void {
    let at = this.#read.get(partition) ?? 0;
    while (this.compacted.has(`${partition}/${at}`)) at += 1;
    const mapped = this.#log.get(partition)?.[at];
    if (mapped === undefined) return;
    this.#read.set(partition, at + 1);
    for (const { delete: isDelete, keyText: key } of mapped.mutations) {
      if (isDelete) this.rows.delete(key);
      else this.rows.add(key);
    }
    this.#take(this.#tracker.observe(mapped, false));
  }

  readAll(partition = 0): void {
    while (this.unread(partition) > 0) this.read(partition);
  }

  tick(
    nowMs: number,
    isAtEnd: (partition: number, askedSinceMs?: number) => boolean = (partition) =>
      this.unread(partition) === 0,
  ): void {
    for (const observed of this.#tracker.tick(nowMs, (place, sinceMs) => isAtEnd(place.partition, sinceMs)))
      this.#take(observed);
  }

  /** Everything in memory is gone; the cookie has positions and open snapshots. */
  restart(): void {
    this.#closed = new ClosedSnapshots();
    this.#tracker = this.#newTracker();
    const state: LaneState = {
      positions: new Map([[TOPIC, new Map(this.#read)]]),
      openSnapshots: this.openSnapshots,
      step: 0,
    };
    for (const { partition, next } of this.#tracker.restore(state)) {
      const log = this.#log.get(partition) ?? [];
      for (const mapped of log.slice(Math.max(next, this.low), this.#read.get(partition) ?? 0))
        if (!this.compacted.has(`${partition}/${mapped.record.offset}`)) this.#tracker.observe(mapped, true);
    }
  }

  /** Rows of ours that the last task would delete, when it came. */
  vanished(): readonly string[] {
    if (this.#found === null) throw new Error(`there is no task: ${this.outcomes}`);
    return this.#found;
  }

  #take({ task, openSnapshots }: Observed): void {
    if (openSnapshots !== null) this.openSnapshots = openSnapshots;
    if (task === null) return;
    this.tasks.push(task);
    const marks = this.#closed.get(task);
    if (marks !== null) this.#found = [...this.rows].filter((key) => !marks.has(key)).toSorted();
  }

  #newTracker(): LaneSnapshotTracker {
    const partitions = this.partitions.map((partition) => ({ topic: TOPIC, partition }));
    const meter = {
      snapshot: (_topic: string, outcome: SnapshotOutcome) => this.outcomes.push(outcome),
      vanished() {},
      cleared() {},
    };
    const clock = {
      nowUs: () => this.#options.startedMs * 1000,
      monotonicMs: () => 0,
      sleep: async () => {},
    };
    return new LaneSnapshotTracker(
      { partitions, snapshotTables: [{ topic: TOPIC, family: "shop", table: "item" }] },
      { closed: this.#closed, meter, logger: silentLogger, clock },
      { graceMs: GRACE_MS },
    );
  }
}
