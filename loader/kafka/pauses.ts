/**
 * Which partitions are to be paused, and which the client has paused.
 *
 * librdkafka keeps a pause for as long as it knows the partition, also when something else is assigned meanwhile. Whoever
 * begins reading anew means to read all of it: so what is paused is let go before each assignment (R30).
 */
import { callNow } from "./connection.ts";
import type { TopicPartition } from "./consumer.ts";
import type { NativeConsumer, NativePartition } from "./native.ts";
import { partitionKey } from "./partition-key.ts";

export class Pauses {
  /** Asked for since the last `apply`. */
  readonly #wanted = new Map<string, { readonly partition: NativePartition; readonly isPaused: boolean }>();
  /** As the client has them. */
  readonly #paused = new Map<string, NativePartition>();

  want({ topic, partition }: TopicPartition, isPaused: boolean): void {
    this.#wanted.set(partitionKey({ topic, partition }), { partition: { topic, partition }, isPaused });
  }

  /** Forgets what was asked for: it was about an assignment that is no more. */
  clear(): void {
    this.#wanted.clear();
  }

  /** The client was made anew. */
  forgetClient(): void {
    this.#paused.clear();
  }

  apply(client: NativeConsumer): void {
    const wanted = [...this.#wanted.values()];
    const partitionsOf = (isPaused: boolean): readonly NativePartition[] =>
      wanted.filter((one) => one.isPaused === isPaused).map(({ partition }) => partition);
    const paused = partitionsOf(true);
    if (paused.length > 0) callNow("pause reading", () => client.pause(paused));
    for (const partition of paused) this.#paused.set(partitionKey(partition), partition);
    this.#resume(client, partitionsOf(false));
    this.#wanted.clear();
  }

  /** To be called before each assignment: it would begin paused where another was. */
  release(client: NativeConsumer): void {
    this.#resume(client, [...this.#paused.values()]);
  }

  #resume(client: NativeConsumer, partitions: readonly NativePartition[]): void {
    if (partitions.length > 0) callNow("go on reading", () => client.resume(partitions));
    for (const partition of partitions) this.#paused.delete(partitionKey(partition));
  }
}
