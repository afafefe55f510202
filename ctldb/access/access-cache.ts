/**
 * What the ctldb says of names, kept for a moment: what was allowed is believed for half a second, what was refused is
 * asked again after a fifth of one. So a revoked secret is refused within that time on every Executive, a new one is
 * accepted, and neither steady use nor a flood of refusals costs a query per request (R34, R45).
 *
 * Bounded: names that exist and names that do not have room each, so that the latter cannot push out the former.
 */
import type { Clock } from "../../core/process/clock.ts";
import { BatchedLookup, type LoadNames } from "./batched-lookup.ts";

export interface AccessTimes {
  /** How long what is known is believed. */
  readonly cacheMs: number;
  /** After how long a refusal is looked up again. */
  readonly refusedCacheMs: number;
}

export interface AccessCacheDeps<Found> {
  readonly clock: Clock;
  readonly load: LoadNames<Found>;
}

export interface AccessCacheOptions extends AccessTimes {
  /** Names kept of those that exist, and of those that do not; the longest unused goes. */
  readonly names: number;
}

interface Known<Found> {
  readonly found: Found | null;
  /** When it was asked for, so that it is not older than it seems. */
  readonly atMs: number;
}

export class AccessCache<Found> {
  readonly #clock: Clock;
  readonly #options: AccessCacheOptions;
  readonly #lookup: BatchedLookup<Found>;
  readonly #existing = new Map<string, Known<Found>>();
  readonly #missing = new Map<string, Known<Found>>();
  readonly #refreshing = new Map<string, Promise<unknown>>();
  /** Goes up when anything was changed here: what was read before that is not kept. */
  #changes = 0;

  constructor({ clock, load }: AccessCacheDeps<Found>, options: AccessCacheOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#lookup = new BatchedLookup(load);
  }

  /** Names in memory. */
  get size(): number {
    return this.#existing.size + this.#missing.size;
  }

  /**
   * What `judge` makes of what is known of a name; null when it refuses that, and what is known a moment later too.
   * @throws what `load` throws, when nothing is known that is fresh enough
   */
  async ask<Verdict>(name: string, judge: (found: Found | null) => Verdict | null): Promise<Verdict | null> {
    const { cacheMs, refusedCacheMs } = this.#options;
    const known = this.#existing.get(name) ?? this.#missing.get(name);
    const ageMs = known === undefined ? Number.POSITIVE_INFINITY : this.#clock.monotonicMs() - known.atMs;
    if (known !== undefined && ageMs <= cacheMs) {
      const verdict = judge(known.found);
      // Asked again in good time, so that whoever is allowed never waits for it.
      if (verdict !== null && ageMs > cacheMs / 2) this.#refresh(name);
      if (verdict !== null || ageMs < refusedCacheMs) return verdict;
    }
    return judge(await this.#read(name));
  }

  /** After a change of our own: it holds at once. */
  forget(name: string): void {
    this.#changes += 1;
    this.#existing.delete(name);
    this.#missing.delete(name);
  }

  /** Resolves when nothing is under way that nobody waits for. */
  async settled(): Promise<void> {
    await Promise.all(this.#refreshing.values());
  }

  #refresh(name: string): void {
    if (this.#refreshing.has(name)) return;
    const refresh = this.#read(name)
      .catch(() => {}) // the next one who cannot do without it is told
      .finally(() => this.#refreshing.delete(name));
    this.#refreshing.set(name, refresh);
  }

  async #read(name: string): Promise<Found | null> {
    for (;;) {
      const changes = this.#changes;
      const atMs = this.#clock.monotonicMs();
      const found = await this.#lookup.find(name);
      if (changes !== this.#changes) continue;
      this.#keep(name, { found, atMs });
      return found;
    }
  }

  #keep(name: string, known: Known<Found>): void {
    this.#existing.delete(name);
    this.#missing.delete(name);
    const names = known.found === null ? this.#missing : this.#existing;
    names.set(name, known);
    const [oldest] = names.size > this.#options.names ? names.keys() : [];
    if (oldest !== undefined) names.delete(oldest);
  }
}
