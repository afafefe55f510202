/**
 * The reading half of a lane: records from the intake become units in the queue.
 *
 * Stands still while a batch waits in the queue, and gives the event loop a turn every few milliseconds (R21).
 */
import { CtlstoreError, isCtlstoreError } from "../../core/errors.ts";
import { LANE_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import { turnOfEventLoop } from "../../core/process/turn.ts";
import type { KafkaRecord } from "../kafka/consumer.ts";
import type { MappingKeeper, SchemaNeed } from "../mapping/mapping.ts";
import type { BatchQueue } from "./batch-queue.ts";
import { type Intake, isAtEnd, type Reading, recordBytes } from "./intake.ts";
import type { LaneMeter, NotLoadedReason } from "./lane-meter.ts";
import { type RecordMapper, unreadable } from "./map-record.ts";
import type { Poison } from "./poison.ts";
import type { RunSignals } from "./sender.ts";
import type { MappedRecord, UnitMaker } from "./unit-maker.ts";
import { retryReasonOf, type Waits } from "./waits.ts";
import type { Wakeup } from "./wakeup.ts";

export interface LaneReaderDeps {
  readonly intake: Intake;
  /** Told when something was offered. */
  readonly offered: Wakeup;
  readonly mapper: RecordMapper;
  readonly keeper: MappingKeeper;
  readonly unitMaker: UnitMaker;
  readonly queue: BatchQueue;
  readonly poison: Poison;
  readonly waits: Waits;
  readonly clock: Clock;
  readonly meter: LaneMeter;
}

/** Errors of a schema change that are about this loader, not about the event that needs the change. */
const OF_LOADER: ReadonlySet<string> = new Set([
  "bad_credentials",
  "not_granted",
  "mapping_invalid",
  "config_invalid",
]);

export class LaneReader {
  readonly #deps: LaneReaderDeps;
  #sliceEndMs = 0;
  #tickDueMs = 0;

  constructor(deps: LaneReaderDeps) {
    this.#deps = deps;
  }

  /** Reads until the signal aborts, or up to an event that cannot be loaded, which the queue then ends with. */
  async run(signals: RunSignals): Promise<void> {
    const { intake, offered, queue, clock } = this.#deps;
    const { soft } = signals;
    while (!soft.aborted) {
      if (!queue.hasRoom) {
        await queue.room(soft);
        continue;
      }
      this.#tick();
      const record = intake.take();
      if (record === null) {
        await offered.wait(clock, LANE_LIMITS.tickMs, soft);
        this.#sliceEndMs = clock.monotonicMs() + LANE_LIMITS.sliceMs;
        continue;
      }
      if (!(await this.#read(record, signals))) return;
      await this.#endSlice();
    }
  }

  /** Gives others a turn when this has gone on for long enough. Not a promise otherwise: that would cost more than most records. */
  #endSlice(): Promise<void> | undefined {
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs < this.#sliceEndMs) return undefined;
    this.#sliceEndMs = nowMs + LANE_LIMITS.sliceMs;
    return turnOfEventLoop();
  }

  /** @returns false at an event that cannot be loaded */
  async #read(record: KafkaRecord, signals: RunSignals): Promise<boolean> {
    const { intake, meter, queue } = this.#deps;
    const reading = intake.reading(record);
    meter.record(record.topic, recordBytes(record));
    // Kafka's client may hand out a record again after a rebalance.
    if (record.offset < reading.read) meter.notLoaded(record.topic, "repeat");
    else {
      try {
        if (record.offset < reading.replayedUntil) this.#replay(record);
        else this.#push(await this.#mapped(record, signals));
      } catch (error) {
        if (signals.soft.aborted) throw error;
        queue.fail(error);
        return false;
      }
      reading.read = record.offset + 1;
      reading.readTimestampMs = record.timestampMs;
    }
    return true;
  }

  #push(mapped: MappedRecord): void {
    for (const unit of this.#deps.unitMaker.push(mapped)) this.#deps.queue.add(unit);
  }

  /** A record that took effect before: only its mark is wanted, and whatever was wrong with it has been dealt with. */
  #replay(record: KafkaRecord): void {
    const { mapper, meter, unitMaker } = this.#deps;
    meter.notLoaded(record.topic, "replay");
    let mapped = unreadable(record);
    try {
      const outcome = mapper.map(record);
      if (outcome.kind === "mapped") mapped = outcome.mapped;
    } catch (error) {
      if (!isCtlstoreError(error)) throw error;
    }
    unitMaker.replay(mapped);
  }

  /** @throws CtlstoreError the event's, when it is not put aside */
  async #mapped(record: KafkaRecord, signals: RunSignals): Promise<MappedRecord> {
    const { mapper, poison } = this.#deps;
    try {
      for (let round = 0; ; round++) {
        const outcome = mapper.map(record);
        if (outcome.kind === "mapped") {
          this.#count(record, outcome.notLoaded);
          return outcome.mapped;
        }
        if (round === LANE_LIMITS.schemaRounds) throw neverSatisfied(outcome.need);
        await this.#satisfy(outcome.need, signals);
      }
    } catch (error) {
      if (!isCtlstoreError(error) || OF_LOADER.has(error.code) || retryReasonOf(error) !== null) throw error;
      await poison.putAside(record, error, signals);
      return unreadable(record);
    }
  }

  #satisfy(need: SchemaNeed, { soft, hard }: RunSignals): Promise<void> {
    const { waits, keeper } = this.#deps;
    return waits.untilDone(soft, () => keeper.satisfy(need, hard));
  }

  #count(record: KafkaRecord, notLoaded: NotLoadedReason | null): void {
    if (notLoaded !== null) this.#deps.meter.notLoaded(record.topic, notLoaded);
  }

  /** What is due by time, a few times a second. */
  #tick(): void {
    const { clock, intake, unitMaker, queue } = this.#deps;
    const nowMs = clock.monotonicMs();
    if (nowMs < this.#tickDueMs) return;
    this.#tickDueMs = nowMs + LANE_LIMITS.tickMs;
    for (const unit of unitMaker.tick(nowMs, (partition) => intake.isAtEnd(partition))) queue.add(unit);
    if (intake.count > 0) return;
    for (const reading of intake.readings) assertNotShrunk(reading);
    if (unitMaker.held.records === 0) this.#closeGaps();
  }

  /**
   * Behind a partition's last record may lie offsets that no reader ever sees: marks of producers' transactions, and what
   * compaction removed. The position moves over them, or it would look like lost events when they are deleted.
   */
  #closeGaps(): void {
    const { intake, queue } = this.#deps;
    for (const reading of intake.readings) {
      const { end, read, topic, partition } = reading;
      if (end === null || end <= read || isReplaying(reading)) continue;
      reading.read = end;
      reading.offered = Math.max(reading.offered, end);
      queue.add({
        kind: "rows",
        mutations: [],
        advances: [{ topic, partition, next: end }],
        isTransaction: false,
      });
    }
  }
}

/** @throws CtlstoreError `events_lost`: a partition ends before what has been read of it already */
function assertNotShrunk(reading: Reading): void {
  if (!isReplaying(reading) || !isAtEnd(reading)) return;
  const { topic, partition, end, replayedUntil } = reading;
  throw new CtlstoreError(
    "events_lost",
    `Cannot read partition ${partition} of topic ${topic} from offset ${replayedUntil}: it ends at ${end}; it reached further once`,
    { hint: "was the topic made anew? see --lost-events" },
  );
}

function isReplaying({ read, replayedUntil }: Reading): boolean {
  return read < replayedUntil;
}

function neverSatisfied(need: SchemaNeed): CtlstoreError {
  return new CtlstoreError(
    "event_refused",
    `Cannot make the tables fit the event: it still needs to ${need.kind === "create-table" ? "create its table" : "add fields"} after several attempts`,
  );
}
