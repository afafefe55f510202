/**
 * Looks names up in the ctldb in batches: one query is under way at a time, and the names asked for meanwhile share the
 * next ones, each once. So a flood of names costs few queries, however it comes (R34).
 *
 * An answer was read after it was asked for: nobody gets that of a query which was under way already.
 */

import { CtlstoreError } from "../../core/errors.ts";
import { EXECUTIVE_LIMITS } from "../../core/limits.ts";

/** What there is of the names; those that it leaves out are unknown. */
export type LoadNames<Found> = (names: readonly string[]) => Promise<ReadonlyMap<string, Found>>;

/** Names of one query: a fifth of a megabyte of the longest. */
const BATCH_NAMES = 1_000;
/** A ctldb that does not answer must not gather requests without end (I13). */
const MOST_ASKERS = EXECUTIVE_LIMITS.queuedRequests;

interface Asker<Found> {
  readonly resolve: (found: Found | null) => void;
  readonly reject: (error: unknown) => void;
}

export class BatchedLookup<Found> {
  readonly #load: LoadNames<Found>;
  readonly #waiting = new Map<string, Asker<Found>[]>();
  #running = false;
  /** Those who wait for an answer, of a query that is under way too. */
  #askers = 0;

  constructor(load: LoadNames<Found>) {
    this.#load = load;
  }

  /** What is known under a name as of now; null when nothing. @throws CtlstoreError `overloaded`, or what `load` throws */
  async find(name: string): Promise<Found | null> {
    this.#assertRoom();
    this.#askers += 1;
    return new Promise<Found | null>((resolve, reject) => {
      const asker = { resolve, reject };
      const askers = this.#waiting.get(name);
      if (askers === undefined) this.#waiting.set(name, [asker]);
      else askers.push(asker);
      if (!this.#running) void this.#run();
    }).finally(() => {
      this.#askers -= 1;
    });
  }

  #assertRoom(): void {
    if (this.#askers < MOST_ASKERS) return;
    throw new CtlstoreError(
      "overloaded",
      `Cannot look up who makes the request: ${this.#askers} are waiting for the ctldb's answer already`,
      { retryAfterSeconds: 1 },
    );
  }

  async #run(): Promise<void> {
    this.#running = true;
    // Who asks in the same step shares the first query.
    await Promise.resolve();
    while (this.#waiting.size > 0) await this.#answer(this.#take());
    this.#running = false;
  }

  #take(): Map<string, Asker<Found>[]> {
    const batch = new Map<string, Asker<Found>[]>();
    for (const [name, askers] of this.#waiting) {
      if (batch.size === BATCH_NAMES) break;
      batch.set(name, askers);
      this.#waiting.delete(name);
    }
    return batch;
  }

  async #answer(batch: ReadonlyMap<string, readonly Asker<Found>[]>): Promise<void> {
    try {
      const found = await this.#load([...batch.keys()]);
      for (const [name, askers] of batch) for (const { resolve } of askers) resolve(found.get(name) ?? null);
    } catch (error) {
      for (const { reject } of [...batch.values()].flat()) reject(error);
    }
  }
}
