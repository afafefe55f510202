/**
 * Looks names up in the ctldb in batches: one query is under way at a time, and the names asked for meanwhile share the
 * next ones, each once. So a flood of names costs few queries, however it comes (R34).
 *
 * An answer was read after it was asked for: nobody gets that of a query which was under way already.
 */

/** What there is of the names; those that it leaves out are unknown. */
export type LoadNames<Found> = (names: readonly string[]) => Promise<ReadonlyMap<string, Found>>;

/** Names of one query: a fifth of a megabyte of the longest. */
const BATCH_NAMES = 1_000;

interface Asker<Found> {
  readonly resolve: (found: Found | null) => void;
  readonly reject: (error: unknown) => void;
}

export class BatchedLookup<Found> {
  readonly #load: LoadNames<Found>;
  readonly #waiting = new Map<string, Asker<Found>[]>();
  #running = false;

  constructor(load: LoadNames<Found>) {
    this.#load = load;
  }

  /** What is known under a name as of now; null when nothing. @throws what `load` throws */
  find(name: string): Promise<Found | null> {
    return new Promise((resolve, reject) => {
      const asker = { resolve, reject };
      const askers = this.#waiting.get(name);
      if (askers === undefined) this.#waiting.set(name, [asker]);
      else askers.push(asker);
      if (!this.#running) void this.#run();
    });
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
