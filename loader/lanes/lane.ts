/**
 * A lane: records of its partitions in, batches under its cookie out, each event once (I3, R30).
 *
 * Two loops run side by side: one decodes and maps records and fills the next batch (`lane-reader.ts`), the other brings the
 * batch before it to its end (`deliverer.ts`). There is never more than one batch under way. What is in memory may be lost
 * at any moment: all that counts is the cookie, which moved in the same transaction as the rows.
 */
import { LANE_LIMITS } from "../../core/limits.ts";
import type { Logger } from "../../core/process/logger.ts";
import type { KafkaRecord, Position, TopicPartition } from "../kafka/consumer.ts";
import { BatchQueue, type Work } from "./batch-queue.ts";
import { decodeLaneState } from "./cookie.ts";
import { CookieChain } from "./cookie-chain.ts";
import { Deliverer } from "./deliverer.ts";
import { Intake, isAtEnd } from "./intake.ts";
import type { LaneActivity, LaneDeps, LaneOptions, LanePlan, LaneStatus } from "./lane-contract.ts";
import { LaneReader } from "./lane-reader.ts";
import { EMPTY_LANE_STATE, type OpenSnapshot } from "./lane-state.ts";
import { LaneTally } from "./lane-tally.ts";
import { RecordMapper } from "./map-record.ts";
import { Poison } from "./poison.ts";
import { Remapper } from "./remap.ts";
import { runLoops } from "./run-loops.ts";
import { type RunSignals, Sender } from "./sender.ts";
import { beginAt, startingPositions } from "./starting-positions.ts";
import type { TableUnit } from "./unit.ts";
import { Waits } from "./waits.ts";
import { Wakeup } from "./wakeup.ts";

/** Lives from one `open` to the end of its `run`; after that, or after a lost partition, make another one. */
export class Lane {
  readonly plan: LanePlan;
  readonly #deps: LaneDeps;
  readonly #logger: Logger;
  readonly #stopMs: number;
  readonly #tally: LaneTally;
  readonly #waits: Waits;
  readonly #offered = new Wakeup();
  readonly #intake: Intake;
  readonly #queue: BatchQueue;
  readonly #reader: LaneReader;
  readonly #chain: CookieChain;
  readonly #deliverer: Deliverer;
  #activity: LaneActivity = "opening";
  #stoppedBy: string | null = null;

  constructor(plan: LanePlan, deps: LaneDeps, options: LaneOptions = {}) {
    this.plan = plan;
    this.#deps = deps;
    this.#logger = deps.logger.child({ lane: plan.name });
    this.#stopMs = options.stopMs ?? LANE_LIMITS.stopMs;
    this.#tally = new LaneTally(deps.meter);
    const limits = {
      rows: options.batchRows ?? LANE_LIMITS.batchRows,
      bytes: options.batchBytes ?? LANE_LIMITS.batchBytes,
      records: LANE_LIMITS.recordsPerBatch,
    };
    const { clock, keeper, unitMaker, deadLetters, writer, decoder } = deps;
    const common = { clock, keeper, unitMaker, deadLetters, logger: this.#logger, meter: this.#tally };
    const waitsDeps = { ...common, random: deps.random ?? Math.random, onRetry: this.#tally.retry };
    this.#waits = new Waits(waitsDeps, options.patienceMs ?? null);
    this.#intake = new Intake(
      plan.partitions,
      {
        records: options.intakeRecords ?? LANE_LIMITS.intakeRecords,
        bytes: options.intakeBytes ?? LANE_LIMITS.intakeBytes,
      },
      () => this.#offered.notify(),
    );
    this.#queue = new BatchQueue(clock, {
      limits,
      lingerMs: options.lingerMs ?? LANE_LIMITS.lingerMs,
      idleCookieMs: options.idleCookieMs ?? LANE_LIMITS.idleCookieMs,
    });
    const mapper = new RecordMapper(decoder, keeper);
    const shared = { ...common, waits: this.#waits, queue: this.#queue, intake: this.#intake };
    const poison = new Poison(shared);
    this.#reader = new LaneReader({ ...shared, offered: this.#offered, mapper, poison });
    this.#chain = new CookieChain({ state: EMPTY_LANE_STATE, cookie: new Uint8Array() }, (snapshot) =>
      this.#forgotten(snapshot, "the cookie has no room for it"),
    );
    this.#deliverer = new Deliverer(
      {
        ...shared,
        sender: new Sender(writer, this.#waits, this.#tally),
        chain: this.#chain,
        poison,
        remapper: new Remapper(mapper, poison),
        onBatch: (measure) => this.#tally.batch(measure),
      },
      { limits, keepRepeats: options.keepRepeats ?? false },
    );
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
    this.#chain.commit({ state, cookie });
    const positions = startingPositions(this.plan, state, tracker.restore(state));
    for (const { position, replayedUntil } of positions) {
      const reading = this.#intake.reading(position);
      reading.read = reading.offered = Math.max(0, position.next);
      reading.replayedUntil = replayedUntil;
    }
    return positions.map(({ position }) => position);
  }

  /** Where reading of a partition really begins; elsewhere than `open` said only if events are lost and that is accepted. */
  begin(position: Position): void {
    const reading = this.#intake.reading(position);
    const { state, forgotten } = beginAt(position, reading, this.#chain.state);
    for (const snapshot of forgotten) this.#forgotten(snapshot, "its first events are no longer in Kafka");
    this.#chain.amend(state);
    if (forgotten.length > 0) this.#deps.tracker.restore(state);
  }

  /** Takes records, in the order of each partition. Takes them also when `isFull`: then stop fetching. */
  offer(records: readonly KafkaRecord[]): void {
    this.#intake.offer(records);
  }

  /** The partition has been read to its present end. */
  reachedEnd(position: Position): void {
    this.#intake.reachedEnd(position);
  }

  get isFull(): boolean {
    return this.#intake.isFull;
  }

  /**
   * Every partition has been read to its end, and all of that has taken effect. Positions alone may still be unwritten:
   * `run` writes them when it is stopped.
   */
  get isCaughtUp(): boolean {
    return (
      this.#intake.readings.every(isAtEnd) &&
      this.#intake.count === 0 &&
      this.#deps.unitMaker.held.records === 0 &&
      this.#queue.hasNoRows
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
        loops: [(signals) => this.#reader.run(signals), (signals) => this.#write(signals)],
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
      const work = await this.#queue.take(signals.soft);
      if (work === null) break;
      await this.#carryOut(work, signals);
    }
    // What is ready goes out as well, or the next owner would have to read it again. One attempt each, since the signal has
    // ended all waiting; and no work on tables, which could take long.
    for (let work = this.#queue.takeNow(); work?.kind === "batch"; work = this.#queue.takeNow())
      await this.#carryOut(work, signals);
  }

  async #carryOut(work: Work, signals: RunSignals): Promise<void> {
    try {
      if (work.kind === "failure") throw work.error;
      if (work.kind === "batch") await this.#deliverer.deliver(work.units, signals);
      else await this.#workOnTable(work.unit, signals);
    } finally {
      this.#queue.done();
    }
  }

  async #workOnTable(unit: TableUnit, signals: RunSignals): Promise<void> {
    const { tableWorker } = this.#deps;
    const hold = {
      write: (mutations: Parameters<Deliverer["writeAside"]>[0]) =>
        this.#deliverer.writeAside(mutations, signals),
      signal: signals.soft,
    };
    // It may be cut short anywhere, so it is begun again when something was away.
    await this.#waits.untilDone(signals.soft, () => tableWorker.run(unit.task, hold));
    const { advances, openSnapshots } = unit;
    if (advances.length === 0 && openSnapshots === undefined) return;
    const change = { advances, ...(openSnapshots === undefined ? {} : { openSnapshots }) };
    await this.#deliverer.deliver(
      [{ kind: "rows", mutations: [], isTransaction: false, ...change }],
      signals,
    );
  }

  #forgotten({ family, table }: OpenSnapshot, why: string): void {
    this.#logger.warn(
      { family, table, why },
      "open snapshot forgotten: rows that vanished are not found; take another snapshot",
    );
  }

  /** What the cookie has, for the group's committed offsets. */
  appliedPositions(): readonly Position[] {
    const { positions } = this.#chain.state;
    return this.plan.partitions.flatMap(({ topic, partition }) => {
      const next = positions.get(topic)?.get(partition);
      return next === undefined ? [] : [{ topic, partition, next }];
    });
  }

  status(): LaneStatus {
    const wait = this.#activity === "loading" ? this.#waits.current : null;
    const { positions } = this.#chain.state;
    const appliedOf = ({ topic, partition }: TopicPartition) => positions.get(topic)?.get(partition) ?? 0;
    return {
      name: this.plan.name,
      writer: this.plan.writer,
      state: wait === null ? this.#activity : "waiting",
      why: this.#stoppedBy ?? wait?.why ?? null,
      untilMs: wait?.untilMs ?? null,
      partitions: this.#intake.readings.map(({ topic, partition, read, end, readTimestampMs }) => {
        return { topic, partition, read, applied: appliedOf({ topic, partition }), end, readTimestampMs };
      }),
      counts: this.#tally.counts,
      waiting: this.#intake.count,
      held: this.#deps.unitMaker.held.records,
    };
  }
}
