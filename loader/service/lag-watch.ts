/** Asks now and then where the partitions of our lanes end: the lag of a partition that is not being read is seen by that. */
import { isCtlstoreError } from "../../core/errors.ts";
import { LOADER_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { KafkaConsumer, TopicPartition } from "../kafka/consumer.ts";
import { Gate } from "./gate.ts";
import { partitionKey } from "./lane-placer.ts";
import type { LaneSet } from "./lane-set.ts";

export interface LagWatchDeps {
  readonly lanes: LaneSet;
  readonly consumer: KafkaConsumer;
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
    try {
      for (;;) {
        await clock.sleep(LOADER_LIMITS.watermarksIntervalMs, signal);
        await this.#look(signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { lanes } = this.#deps;
    const looks = lanes.lives.flatMap((life) =>
      life.plan.partitions.map(async (partition) => {
        const high = await this.#endOf(partition, signal);
        if (high !== null) life.lags.get(partitionKey(partition))?.measured(high);
      }),
    );
    await Promise.all(looks);
  }

  /** Null when nobody answers: that the cluster is away is found out, and said, by those who need it. */
  async #endOf(partition: TopicPartition, signal: AbortSignal): Promise<number | null> {
    try {
      return (await this.#gate.run(() => this.#deps.consumer.watermarks(partition, signal))).high;
    } catch (error) {
      if (signal.aborted || !isCtlstoreError(error)) throw error;
      return null;
    }
  }
}
