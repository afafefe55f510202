/**
 * The queue of writes that wait for the ledger lock, and the loop that commits them group by group (D11).
 *
 * Bounded in number and size (I13): what does not fit is refused at once, and nothing of it was done.
 */
import { CtlstoreError } from "../core/errors.ts";
import { EXECUTIVE_LIMITS } from "../core/limits.ts";
import type { WriteRequest, WriteResult } from "./contract.ts";
import { type QueuedWrite, takeGroup } from "./group-commit.ts";
import type { WritePlan } from "./plan-write.ts";

export interface QueueLimits {
  readonly queuedRequests: number;
  readonly queuedBytes: number;
}

export const DEFAULT_QUEUE_LIMITS: QueueLimits = {
  queuedRequests: EXECUTIVE_LIMITS.queuedRequests,
  queuedBytes: EXECUTIVE_LIMITS.queuedBytes,
};

export class WriteQueue {
  readonly #commit: (take: () => QueuedWrite[]) => Promise<void>;
  readonly #limits: QueueLimits;
  readonly #waiting: QueuedWrite[] = [];
  #size = 0;
  #draining: Promise<void> | null = null;

  /**
   * @param commit waits for the process's turn at the ledger, then takes a group, commits it and settles each of its
   *   writes; must not reject
   */
  constructor(commit: (take: () => QueuedWrite[]) => Promise<void>, limits: QueueLimits) {
    this.#commit = commit;
    this.#limits = limits;
  }

  /** @throws CtlstoreError `overloaded` */
  assertRoom(): void {
    const { queuedRequests, queuedBytes } = this.#limits;
    if (this.#waiting.length < queuedRequests && this.#size <= queuedBytes) return;
    throw new CtlstoreError(
      "overloaded",
      `Cannot queue the write: ${this.#waiting.length} are waiting already`,
      { retryAfterSeconds: 1 },
    );
  }

  /** Resolves when the write is committed. @throws CtlstoreError `overloaded`, or why the write failed */
  async add(request: WriteRequest, plan: WritePlan): Promise<WriteResult> {
    this.assertRoom();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, plan, resolve, reject });
      this.#size += plan.size;
      this.#draining ??= this.#drain();
    });
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      // A turn of the event loop, so that requests which came in during the last commit join this group.
      await new Promise((resolve) => setImmediate(resolve));
      await this.#commit(() => this.#take());
    }
    // In the same step as the last look at the queue: a write added after it must find nobody draining.
    this.#draining = null;
  }

  #take(): QueuedWrite[] {
    const group = takeGroup(this.#waiting);
    for (const write of group) this.#size -= write.plan.size;
    return group;
  }

  /** Resolves when nothing waits any more. */
  async drained(): Promise<void> {
    while (this.#draining !== null) await this.#draining;
  }
}
