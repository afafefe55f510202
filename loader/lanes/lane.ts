/**
 * A lane: records of its partitions in, batches under its cookie out, each event once (I3, R30).
 *
 * Two loops run side by side: one decodes and maps records and fills the next batch (`records/lane-reader.ts`), the other brings the
 * batch before it to its end (`batches/deliverer.ts`). There is never more than one batch under way. What is in memory may be lost
 * at any moment: all that counts is the cookie, which moved in the same transaction as the rows.
 */
import { LANE_LIMITS } from "../../core/limits.ts";
import type { KafkaRecord, Position, TopicPartition } from "../kafka/consumer.ts";
import type { Work } from "./batches/batch-queue.ts";
import type { RunSignals } from "./batches/sender.ts";
import { decodeLaneState } from "./cookie/cookie.ts";
import type { LaneActivity, LaneDeps, LaneOptions, LanePlan, LaneStatus } from "./lane-contract.ts";
import { assembleLane, type LaneParts } from "./lane-parts.ts";
import { isAtEnd } from "./records/intake.ts";
import { beginAt, startingPositions } from "./records/starting-positions.ts";
import { runLoops } from "./run-loops.ts";
import type { LaneHold } from "./table-worker.ts";
import type { TableUnit } from "./units/unit.ts";

/** Lives from one `open` to the end of its `run`; after that, or after a lost partition, make another one. */
export class Lane {
  readonly plan: LanePlan;
  readonly #deps: LaneDeps;
  readonly #parts: LaneParts;
  readonly #stopMs: number;
  #activity: LaneActivity = "opening";
  #stoppedBy: string | null = null;

  constructor(plan: LanePlan, deps: LaneDeps, options: LaneOptions = {}) {
    this.plan = plan;
    this.#deps = deps;
    this.#parts = assembleLane(plan, deps, options);
    this.#stopMs = options.stopMs ?? LANE_LIMITS.stopMs;
  }

  /**
   * Registers the writer and reads its cookie. One attempt: whoever calls it waits while the Executive is away.
   *
   * @returns for each partition of the plan where to read from: the cookie's offset, or an earlier one when marks of an
   *   open snapshot are read again, or -1 when the cookie does not know the partition. Tell each by `begin`.
   * @throws CtlstoreError `cookie_foreign`, `bad_credentials`, `writer_exists`, and `ctldb_unavailable` and others that pass
   */
  async open(signal: AbortSignal): Promise<readonly Position[]> {
    const { writer, tracker } = this.#deps;
    await writer.register(signal);
    const cookie = await writer.readCookie(signal);
    const state = decodeLaneState(cookie, this.plan);
    this.#parts.chain.commit({ state, cookie });
    const positions = startingPositions(this.plan, state, tracker.restore(state));
    for (const { position, replayedUntil } of positions) {
      const reading = this.#parts.intake.reading(position);
      reading.read = reading.offered = Math.max(0, position.next);
      reading.replayedUntil = replayedUntil;
    }
    return positions.map(({ position }) => position);
  }

  /** Where reading of a partition really begins; elsewhere than `open` said only if events are lost and that is accepted. */
  begin(position: Position): void {
    const reading = this.#parts.intake.reading(position);
    const { state, forgotten } = beginAt(position, reading, this.#parts.chain.state);
    for (const snapshot of forgotten)
      this.#parts.forgotten(snapshot, "its first events are no longer in Kafka");
    this.#parts.chain.amend(state);
    if (forgotten.length > 0) this.#deps.tracker.restore(state);
  }

  /** Takes records, in the order of each partition. Takes them also when `isFull`: then stop fetching. */
  offer(records: readonly KafkaRecord[]): void {
    this.#parts.intake.offer(records);
  }

  /** The partition has been read to its present end. */
  reachedEnd(position: Position): void {
    this.#parts.intake.reachedEnd(position);
  }

  /** Where a partition ends by its broker, who was asked at this moment of the monotonic clock. */
  measured(position: Position, askedMs: number): void {
    this.#parts.intake.measured(position, askedMs);
  }

  get isFull(): boolean {
    return this.#parts.intake.isFull;
  }

  /** Partitions that are read too far ahead of the lane's others: not to be fetched for a while. */
  get ahead(): readonly TopicPartition[] {
    return this.#deps.unitMaker.ahead ?? [];
  }

  /** What waits for decoding, as a part of what may: 1 is full. */
  get fullness(): number {
    return this.#parts.intake.fullness;
  }

  /**
   * Every partition has been read to its end, and all of that has taken effect. Positions alone may still be unwritten:
   * `run` writes them when it is stopped.
   */
  get isCaughtUp(): boolean {
    return (
      this.#parts.intake.readings.every(isAtEnd) &&
      this.#parts.intake.count === 0 &&
      this.#deps.unitMaker.held.records === 0 &&
      this.#parts.queue.hasNoRows
    );
  }

  /**
   * Loads until the signal aborts, then ends the batch under way, within `stopMs`.
   *
   * @throws CtlstoreError `event_malformed`, `event_unmapped`, `event_refused` at an event that cannot be loaded;
   *   `cookie_conflict` when somebody else moved the cookie (nothing was changed: open a new lane);
   *   `dead_letters_unavailable`, `mapping_invalid`, `bad_credentials`, …
   */
  async run(signal: AbortSignal): Promise<void> {
    this.#activity = "loading";
    try {
      await runLoops({
        signal,
        stopMs: this.#stopMs,
        clock: this.#deps.clock,
        loops: [(signals) => this.#parts.reader.run(signals), (signals) => this.#write(signals)],
      });
    } catch (error) {
      this.#stoppedBy = error instanceof Error ? error.message : String(error);
      throw error;
    } finally {
      this.#activity = "stopped";
    }
  }

  async #write(signals: RunSignals): Promise<void> {
    for (;;) {
      const work = await this.#parts.queue.take(signals.soft);
      if (work === null) break;
      await this.#carryOut(work, signals);
    }
    // What is ready goes out as well, or the next owner would have to read it again. One attempt each, since the signal has
    // ended all waiting; and no work on tables, which could take long.
    for (let work = this.#parts.queue.takeNow(); work?.kind === "batch"; work = this.#parts.queue.takeNow())
      await this.#carryOut(work, signals);
  }

  async #carryOut(work: Work, signals: RunSignals): Promise<void> {
    try {
      if (work.kind === "failure") throw work.error;
      if (work.kind === "batch") await this.#parts.deliverer.deliver(work.units, signals);
      else await this.#workOnTable(work.unit, signals);
    } finally {
      this.#parts.queue.done();
    }
  }

  async #workOnTable(unit: TableUnit, signals: RunSignals): Promise<void> {
    const { tableWorker } = this.#deps;
    const hold: LaneHold = {
      write: (mutations) => this.#parts.deliverer.writeAside(mutations, signals),
      signal: signals.soft,
    };
    // It may be cut short anywhere, so it is begun again when something was away.
    await this.#parts.waits.untilDone(signals.soft, () => tableWorker.run(unit.task, hold));
    const { advances, openSnapshots } = unit;
    if (advances.length === 0 && openSnapshots === undefined) return;
    const change = { advances, ...(openSnapshots === undefined ? {} : { openSnapshots }) };
    await this.#parts.deliverer.deliver(
      [{ kind: "rows", mutations: [], isTransaction: false, ...change }],
      signals,
    );
  }

  /** What the cookie has, for the group's committed offsets. */
  appliedPositions(): readonly Position[] {
    const { positions } = this.#parts.chain.state;
    return this.plan.partitions.flatMap(({ topic, partition }) => {
      const next = positions.get(topic)?.get(partition);
      return next === undefined ? [] : [{ topic, partition, next }];
    });
  }

  status(): LaneStatus {
    const wait = this.#activity === "loading" ? this.#parts.waits.current : null;
    const { positions, openSnapshots } = this.#parts.chain.state;
    const appliedOf = ({ topic, partition }: TopicPartition) => positions.get(topic)?.get(partition) ?? 0;
    return {
      name: this.plan.name,
      writer: this.plan.writer,
      state: wait === null ? this.#activity : "waiting",
      why: this.#stoppedBy ?? wait?.why ?? null,
      untilMs: wait?.untilMs ?? null,
      partitions: this.#parts.intake.readings.map(({ topic, partition, read, end, readTimestampMs }) => {
        return { topic, partition, read, applied: appliedOf({ topic, partition }), end, readTimestampMs };
      }),
      counts: this.#parts.tally.counts,
      waiting: this.#parts.intake.count,
      held: this.#deps.unitMaker.held.records,
      openSnapshots: openSnapshots.map(({ topic, family, table }) => ({ topic, family, table })),
      tableWork: this.#deps.tableWorker.reports ?? [],
    };
  }
}
