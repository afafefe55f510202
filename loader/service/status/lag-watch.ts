/**
 * Asks now and then where the partitions of our lanes end: the lag of a partition that is not being read is seen by that, and
 * whether one has been read to its end.
 */
import { isCtlstoreError } from "../../../core/errors.ts";
import { LOADER_LIMITS } from "../../../core/limits.ts";
import type { Clock } from "../../../core/process/clock.ts";
import type { KafkaConsumer, TopicPartition } from "../../kafka/consumer.ts";
import { partitionKey } from "../../kafka/partition-key.ts";
import { Gate } from "../gate.ts";
import type { LaneLife } from "../lanes/lane-life.ts";
import type { ServedLane } from "../lanes/served-lane.ts";

/** What it needs of a lane's life. */
export interface MeasuredLane extends Pick<LaneLife, "plan" | "lags"> {
  readonly lane: Pick<ServedLane, "measured"> | null;
}

export interface LagWatchDeps {
  readonly lanes: { readonly lives: readonly MeasuredLane[] };
  readonly consumer: Pick<KafkaConsumer, "watermarks">;
  readonly clock: Clock;
}

export class LagWatch {
  readonly #deps: LagWatchDeps;
  readonly #gate = new Gate(LOADER_LIMITS.watermarksAtOnce);

  constructor(deps: LagWatchDeps) {
    this.#deps = deps;
  }

  /** Until the signal aborts. @throws CtlstoreError that no waiting mends */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    const { least, most, times } = LOADER_LIMITS.watermarksIntervalMs;
    let waitMs: number = least;
    try {
      for (;;) {
        await clock.sleep(waitMs, signal);
        const startMs = clock.monotonicMs();
        await this.#look(signal);
        waitMs = Math.min(most, Math.max(least, times * (clock.monotonicMs() - startMs)));
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { lanes } = this.#deps;
    const looks = lanes.lives.flatMap((life) =>
      life.plan.partitions.map(async (partition) => {
        const end = await this.#endOf(partition, signal);
        if (end === null) return;
        life.lags.get(partitionKey(partition))?.measured(end.high);
        life.lane?.measured({ ...partition, next: end.high }, end.askedMs);
      }),
    );
    await Promise.all(looks);
  }

  /** Null when nobody answers: that the cluster is away is found out, and said, by those who need it. */
  async #endOf(
    partition: TopicPartition,
    signal: AbortSignal,
  ): Promise<{ readonly high: number; readonly askedMs: number } | null> {
    const { consumer, clock } = this.#deps;
    try {
      return await this.#gate.run(async () => {
        const askedMs = clock.monotonicMs();
        return { high: (await consumer.watermarks(partition, signal)).high, askedMs };
      });
    } catch (error) {
      if (signal.aborted || !isCtlstoreError(error)) throw error;
      return null;
    }
  }
}
