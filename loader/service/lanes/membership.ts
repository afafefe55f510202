/** What the consumer group has given to this instance, and which lanes follow from it: those whose anchor it has. */
import type { GroupListener, TopicPartition } from "../../kafka/consumer.ts";
import { partitionKey } from "../../kafka/partition-key.ts";
import type { LanePlan } from "../../lanes/lane-contract.ts";

export class Membership implements GroupListener {
  /** Null while nothing is assigned: before the first time, and between a revocation and the next assignment. */
  #assigned: ReadonlyMap<string, TopicPartition> | null = null;
  #hasChanged = false;
  readonly #onRevoked: (lost: boolean) => void;

  /** @param onRevoked called at once, within the consumer's `fetch` */
  constructor(onRevoked: (lost: boolean) => void) {
    this.#onRevoked = onRevoked;
  }

  /** The consumer may be told what to read. */
  get isAssigned(): boolean {
    return this.#assigned !== null;
  }

  /** True once after each assignment. */
  takeChange(): boolean {
    const hasChanged = this.#hasChanged;
    this.#hasChanged = false;
    return hasChanged;
  }

  onAssigned(partitions: readonly TopicPartition[]): void {
    this.#assigned = new Map(partitions.map((partition) => [partitionKey(partition), partition]));
    this.#hasChanged = true;
  }

  onRevoked(lost: boolean): void {
    this.#assigned = null;
    this.#hasChanged = false;
    this.#onRevoked(lost);
  }

  /** The lanes of this instance. The others' partitions in them are read all the same: one lane, one reader. */
  lanesOf(plans: readonly LanePlan[]): LanePlan[] {
    return plans.filter(({ anchor }) => this.#assigned?.has(partitionKey(anchor)) === true);
  }

  /** Partitions were given that are not among these: a topic has grown. */
  knowsMoreThan(counts: ReadonlyMap<string, number>): boolean {
    return [...(this.#assigned ?? new Map<string, TopicPartition>()).values()].some(
      ({ topic, partition }) => partition >= (counts.get(topic) ?? 0),
    );
  }
}
