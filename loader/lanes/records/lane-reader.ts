/**
 * The reading half of a lane: records from the intake become units in the queue.
 *
 * Stands still while a batch waits in the queue, and gives the event loop a turn every few milliseconds (R21).
 */
import { CtlstoreError, isCtlstoreError, quote } from "../../../core/errors.ts";
import { LANE_LIMITS } from "../../../core/limits.ts";
import type { Clock } from "../../../core/process/clock.ts";
import { turnOfEventLoop } from "../../../core/process/turn.ts";
import type { KafkaRecord } from "../../kafka/consumer.ts";
import { recordBytes } from "../../kafka/record-bytes.ts";
import type { BatchQueue } from "../batches/batch-queue.ts";
import type { RunSignals } from "../batches/sender.ts";
import type { LaneMeter } from "../lane-meter.ts";
import type { UnitMaker } from "../units/unit-maker.ts";
import type { Wakeup } from "../wakeup.ts";
import type { EventMapper } from "./event-mapper.ts";
import type { Intake, Reading } from "./intake.ts";
import { type RecordMapper, unreadable } from "./map-record.ts";

export interface LaneReaderDeps {
  readonly intake: Intake;
  /** Told when something was offered. */
  readonly offered: Wakeup;
  /** For records that take effect, and for those of which only the mark is wanted. */
  readonly events: EventMapper;
  readonly mapper: RecordMapper;
  readonly unitMaker: UnitMaker;
  readonly queue: BatchQueue;
  readonly clock: Clock;
  readonly meter: LaneMeter;
}

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
        queue.noMore();
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
        else await this.#load(record, signals);
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

  async #load(record: KafkaRecord, signals: RunSignals): Promise<void> {
    const { events, meter, unitMaker, queue } = this.#deps;
    const { mapped, notLoaded } = await events.map(record, signals);
    if (notLoaded !== null) meter.notLoaded(record.topic, notLoaded);
    for (const unit of unitMaker.push(mapped)) queue.add(unit);
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

  /** What is due by time, a few times a second. */
  #tick(): void {
    const { clock, intake, unitMaker, queue } = this.#deps;
    const nowMs = clock.monotonicMs();
    if (nowMs < this.#tickDueMs) return;
    this.#tickDueMs = nowMs + LANE_LIMITS.tickMs;
    for (const unit of unitMaker.tick(nowMs, (partition, sinceMs) => intake.isAtEnd(partition, sinceMs)))
      queue.add(unit);
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
      const { end, read, replayedUntil, topic, partition } = reading;
      if (end === null || end <= read) continue;
      reading.read = end;
      reading.offered = Math.max(reading.offered, end);
      if (end <= replayedUntil) continue;
      const advances = [{ topic, partition, next: end }];
      queue.add({ kind: "rows", mutations: [], advances, isTransaction: false });
    }
  }
}

/** @throws CtlstoreError `events_lost`: a partition ends before what has been read of it already */
function assertNotShrunk({ topic, partition, end, read, replayedUntil }: Reading): void {
  if (end === null || end >= replayedUntil || read >= replayedUntil) return;
  throw new CtlstoreError(
    "events_lost",
    `Cannot read partition ${partition} of topic ${quote(topic)} from offset ${replayedUntil}: it ends at ${end}; it reached further once`,
    { hint: "was the topic made anew? see --lost-events" },
  );
}
