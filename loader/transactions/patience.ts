/** How long the rest of a transaction is waited for, and when nothing of it can come any more. */
import { TRANSACTION_LIMITS } from "../../core/limits.ts";
import type { TopicPartition } from "../kafka/consumer.ts";
import { partitionKey } from "../kafka/partition-key.ts";
import type { HeldPartition } from "./held-records.ts";
import type { OpenTransaction, Quiet } from "./open-transaction.ts";
import type { TransactionQueues } from "./transaction-queues.ts";

export class TransactionPatience {
  readonly #queues: TransactionQueues;
  readonly #partitions: readonly TopicPartition[];
  readonly #waitMs: number;
  #quiet: Quiet = new Map();
  /** Partitions that were at their ends at the last look. */
  #atEnd: ReadonlySet<string> = new Set();
  #lookedMs = 0;

  /** @param partitions all of the lane's */
  constructor(queues: TransactionQueues, partitions: readonly TopicPartition[], waitMs: number) {
    this.#queues = queues;
    this.#partitions = partitions;
    this.#waitMs = waitMs;
  }

  /** As of now: time in which something might still be on its way does not count. */
  get quiet(): Quiet {
    return this.#quiet;
  }

  note(nowMs: number, isAtEnd: (partition: TopicPartition) => boolean): void {
    const quiet = new Map(this.#quiet);
    const atEnd = new Set<string>();
    for (const partition of this.#partitions) {
      if (!isAtEnd(partition)) continue;
      const name = partitionKey(partition);
      atEnd.add(name);
      if (this.#atEnd.has(name)) quiet.set(name, (quiet.get(name) ?? 0) + nowMs - this.#lookedMs);
    }
    this.#quiet = quiet;
    this.#atEnd = atEnd;
    this.#lookedMs = nowMs;
  }

  /**
   * True when the rest has been waited for long enough. Only partitions that may bring it count: others that are never at
   * their ends must not keep everything back.
   *
   * @param topics from which something is missing; null for any
   * @param isRepeat it went before: of what comes again the rest may never come
   */
  isOver({ quiet }: OpenTransaction, topics: ReadonlySet<string> | null, isRepeat: boolean): boolean {
    const waitMs = isRepeat ? Math.min(this.#waitMs, TRANSACTION_LIMITS.repeatWaitMs) : this.#waitMs;
    return this.#partitions.every((partition) => {
      if (topics !== null && !topics.has(partition.topic)) return true;
      const name = partitionKey(partition);
      return (this.#quiet.get(name) ?? 0) - (quiet.get(name) ?? 0) >= waitMs;
    });
  }

  /**
   * True when every partition that could bring what is missing has come to a later transaction.
   * @param transaction the one whose END is next
   * @param topics null for any
   */
  hasPassed(transaction: OpenTransaction, topics: ReadonlySet<string> | null): boolean {
    for (const partition of this.#queues.partitions) {
      const isAsked = topics === null || topics.has(partition.topic);
      if (isAsked && !this.#isBehind(transaction, partition)) return false;
    }
    return true;
  }

  /** An END that is known and is not the next one is a later one. */
  #isBehind({ id }: OpenTransaction, partition: HeldPartition): boolean {
    for (const { transaction } of partition.backwards()) {
      if (transaction === id) return false;
      if (transaction !== null && (this.#queues.open.get(transaction)?.end ?? null) !== null) return true;
    }
    return false;
  }
}
