/** How long the rest of a transaction is waited for, and when nothing of it can come any more. */
import { TRANSACTION_LIMITS } from "../../core/limits.ts";
import type { HeldPartition } from "./held-records.ts";
import type { OpenTransaction } from "./open-transaction.ts";
import type { TransactionQueues } from "./transaction-queues.ts";

export class TransactionPatience {
  readonly #queues: TransactionQueues;
  readonly #waitMs: number;
  #quietMs = 0;
  #quietSinceMs: number | null = null;

  constructor(queues: TransactionQueues, waitMs: number) {
    this.#queues = queues;
    this.#waitMs = waitMs;
  }

  /** How long there was nothing to be read, in all: time in which something might still be on its way does not count. */
  get quietMs(): number {
    return this.#quietMs;
  }

  /** @param isQuiet every partition has been read to its end */
  note(nowMs: number, isQuiet: boolean): void {
    if (isQuiet && this.#quietSinceMs !== null) this.#quietMs += nowMs - this.#quietSinceMs;
    this.#quietSinceMs = isQuiet ? nowMs : null;
  }

  /** @param isRepeat it went before: of what comes again the rest may never come */
  isOver({ quietMs }: OpenTransaction, isRepeat: boolean): boolean {
    const waitMs = isRepeat ? Math.min(this.#waitMs, TRANSACTION_LIMITS.repeatWaitMs) : this.#waitMs;
    return this.#quietMs - quietMs >= waitMs;
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
