/**
 * Units become batches: closed by count, bytes, time, or a change of family; at most one waits while another is under way.
 *
 * Units are never cut across batches, but for those that no batch could hold (`cut-unit.ts`).
 */
import { LANE_LIMITS } from "../../../core/limits.ts";
import type { Clock } from "../../../core/process/clock.ts";
import type { BatchLimits } from "../units/batch-limits.ts";
import { cutUnit } from "../units/cut-unit.ts";
import { rowId } from "../units/fold.ts";
import type { RowsUnit, TableUnit, Unit } from "../units/unit.ts";
import { wireBytesOf } from "../units/wire-size.ts";
import { Wakeup } from "../wakeup.ts";

/** Waits end by being told; a timer takes no endless time. */
const LONG_MS = 60_000;

export type Work =
  | { readonly kind: "batch"; readonly units: readonly RowsUnit[] }
  | { readonly kind: "table"; readonly unit: TableUnit }
  /** An event that cannot be loaded: everything before it is to take effect first. */
  | { readonly kind: "failure"; readonly error: unknown };

export interface BatchQueueOptions {
  readonly limits: Pick<BatchLimits, "rows" | "bytes" | "records">;
  readonly lingerMs: number;
  readonly idleCookieMs: number;
  /** Whether records wait for decoding: a batch that they may fill yet is worth waiting for, up to `fillMs`. */
  readonly hasMore: () => boolean;
}

/** The batch that is being filled. */
class OpenBatch {
  readonly units: RowsUnit[] = [];
  family: string | null = null;
  mutations = 0;
  bytes = 0;
  readonly rows = new Set<string>();
  /** Units without rows. */
  idle = 0;
  /** When it is to be sent although it is not full, by the monotonic clock. */
  dueMs: number;

  constructor(dueMs: number) {
    this.dueMs = dueMs;
  }
}

export class BatchQueue {
  readonly #clock: Clock;
  readonly #options: BatchQueueOptions;
  readonly #sealed: Work[] = [];
  readonly #forTaker = new Wakeup();
  readonly #forFiller = new Wakeup();
  #open: OpenBatch | null = null;
  #isUnderWay = false;

  constructor(clock: Clock, options: BatchQueueOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  /** False while a batch waits to be taken: then nothing should be added. */
  get hasRoom(): boolean {
    return this.#sealed.length === 0;
  }

  /** Nothing waits but positions, and nothing that was taken is under way. */
  get hasNoRows(): boolean {
    return this.#sealed.length === 0 && (this.#open?.mutations ?? 0) === 0 && !this.#isUnderWay;
  }

  async room(signal: AbortSignal): Promise<void> {
    while (!this.hasRoom && !signal.aborted) await this.#forFiller.wait(this.#clock, LONG_MS, signal);
  }

  add(unit: Unit): void {
    if (unit.kind === "rows") {
      for (const part of cutUnit(unit, this.#options.limits)) this.#addRows(part);
    } else {
      this.#seal();
      this.#push({ kind: "table", unit });
    }
    this.#forTaker.notify();
  }

  fail(error: unknown): void {
    this.#seal();
    this.#push({ kind: "failure", error });
    this.#forTaker.notify();
  }

  /** The next work, as soon as there is some that is due; null when the signal aborts first. Tell `done` about each. */
  async take(signal: AbortSignal): Promise<Work | null> {
    for (;;) {
      if (signal.aborted) return null;
      const waitMs = this.#sealed.length > 0 ? 0 : this.#dueMs() - this.#clock.monotonicMs();
      if (waitMs <= 0) return this.takeNow();
      await this.#forTaker.wait(this.#clock, Math.min(waitMs, LONG_MS), signal);
    }
  }

  /** When the open batch is to be sent. Where lanes share a processor, half a batch each would cost them all. */
  #dueMs(): number {
    if (this.#open === null) return Number.POSITIVE_INFINITY;
    return this.#open.dueMs + (this.#options.hasMore() ? LANE_LIMITS.fillMs : 0);
  }

  /** Nothing waits for decoding any more. */
  noMore(): void {
    this.#forTaker.notify();
  }

  /** The next work, due or not; null when there is none. */
  takeNow(): Work | null {
    if (this.#sealed.length === 0) this.#seal();
    const work = this.#sealed.shift() ?? null;
    this.#isUnderWay = work !== null;
    this.#forFiller.notify();
    return work;
  }

  /** What was taken last has come to its end. */
  done(): void {
    this.#isUnderWay = false;
  }

  #addRows(unit: RowsUnit): void {
    const size = sizeOf(unit);
    if (this.#open !== null && !this.#fits(this.#open, size)) this.#seal();
    const nowMs = this.#clock.monotonicMs();
    this.#open ??= new OpenBatch(nowMs + this.#options.idleCookieMs);
    const batch = this.#open;
    if (size.family === null) addIdle(batch, unit);
    else {
      if (batch.mutations === 0) batch.dueMs = Math.min(batch.dueMs, nowMs + this.#options.lingerMs);
      batch.family = size.family;
      for (const row of size.rows) batch.rows.add(row);
      batch.bytes += size.bytes;
      batch.mutations += size.rows.length;
      batch.units.push(unit);
    }
    if (this.#isFull(batch)) this.#seal();
  }

  #fits(batch: OpenBatch, size: UnitSize): boolean {
    if (size.family === null || batch.family === null) return true;
    const { rows, bytes, records } = this.#options.limits;
    const newRows = size.rows.reduce((count, row) => count + (batch.rows.has(row) ? 0 : 1), 0);
    return (
      batch.family === size.family &&
      batch.rows.size + newRows <= rows &&
      batch.bytes + size.bytes <= bytes &&
      batch.mutations + size.rows.length <= records
    );
  }

  #isFull({ rows, bytes, mutations, idle }: OpenBatch): boolean {
    const { limits } = this.#options;
    return (
      rows.size >= limits.rows ||
      bytes >= limits.bytes ||
      mutations >= limits.records ||
      idle >= LANE_LIMITS.idleCookieRecords
    );
  }

  #seal(): void {
    if (this.#open === null) return;
    this.#push({ kind: "batch", units: this.#open.units });
    this.#open = null;
  }

  #push(work: Work): void {
    this.#sealed.push(work);
  }
}

interface UnitSize {
  /** Null of a unit without rows. */
  readonly family: string | null;
  /** One for each mutation, also of the same row. */
  readonly rows: readonly string[];
  readonly bytes: number;
}

function sizeOf({ mutations }: RowsUnit): UnitSize {
  let bytes = 0;
  const rows = mutations.map(({ mutation }) => {
    bytes += wireBytesOf(mutation);
    return rowId(mutation);
  });
  return { family: mutations[0]?.mutation.family ?? null, rows, bytes };
}

/** Units that move positions only become part of the one before them. */
function addIdle(batch: OpenBatch, unit: RowsUnit): void {
  batch.idle += 1;
  const last = batch.units.pop();
  batch.units.push(last === undefined ? unit : joined(last, unit));
}

function joined(unit: RowsUnit, idle: RowsUnit): RowsUnit {
  const advances = [...unit.advances];
  for (const advance of idle.advances) {
    const at = advances.findIndex(
      ({ topic, partition }) => topic === advance.topic && partition === advance.partition,
    );
    if (at === -1) advances.push(advance);
    else advances[at] = advance;
  }
  const { openSnapshots = unit.openSnapshots } = idle;
  return { ...unit, advances, ...(openSnapshots === undefined ? {} : { openSnapshots }) };
}
