/**
 * What the ctldb says of names, kept for a moment: it is believed for half a second, and before anything is refused it is
 * asked again, of the same name once in a fifth of a second. So what is revoked is refused within that time on every
 * Executive, what is new is accepted, and neither steady use nor a flood of refusals costs a query per request (R34, R45).
 *
 * Bounded: names that exist and names that do not have room each, so that the latter cannot push out the former.
 */
import type { Clock } from "../../core/process/clock.ts";
import { BatchedLookup, type LoadNames } from "./batched-lookup.ts";

export interface AccessTimes {
  /** How long what is known is believed. */
  readonly cacheMs: number;
  /** How long a refusal stands before the same name is looked up again for another one. */
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
  /** Until when a refusal needs no look-up. */
  refusedUntilMs: number;
}

interface Read {
  readonly name: string;
  /** The name was changed here since it was asked for: what was read before that is not kept. */
  isOutdated: boolean;
}

export class AccessCache<Found> {
  readonly #clock: Clock;
  readonly #options: AccessCacheOptions;
  readonly #lookup: BatchedLookup<Found>;
  readonly #existing = new Map<string, Known<Found>>();
  readonly #missing = new Map<string, Known<Found>>();
  readonly #refreshing = new Map<string, Promise<unknown>>();
  readonly #reads = new Set<Read>();

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
    const { cacheMs } = this.#options;
    const known = this.#get(name);
    const nowMs = this.#clock.monotonicMs();
    if (known !== undefined && nowMs - known.atMs <= cacheMs) {
      const verdict = judge(known.found);
      // Asked again in good time, so that whoever is allowed never waits for it.
      if (verdict !== null && nowMs - known.atMs > cacheMs / 2) this.#refresh(name);
      if (verdict !== null || nowMs < known.refusedUntilMs) return verdict;
    }
    const verdict = judge(await this.#read(name));
    if (verdict === null) this.#refuse(name, nowMs);
    return verdict;
  }

  /** After a change of our own: it holds at once. */
  forget(name: string): void {
    // Others are read on: who registers writers all the time must not keep anybody waiting.
    for (const read of this.#reads) if (read.name === name) read.isOutdated = true;
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
      const read: Read = { name, isOutdated: false };
      const atMs = this.#clock.monotonicMs();
      this.#reads.add(read);
      try {
        const found = await this.#lookup.find(name);
        if (read.isOutdated) continue;
        this.#keep(name, { found, atMs, refusedUntilMs: this.#get(name)?.refusedUntilMs ?? 0 });
        return found;
      } finally {
        this.#reads.delete(read);
      }
    }
  }

  #get(name: string): Known<Found> | undefined {
    return this.#existing.get(name) ?? this.#missing.get(name);
  }

  #refuse(name: string, nowMs: number): void {
    const known = this.#get(name);
    if (known !== undefined) known.refusedUntilMs = nowMs + this.#options.refusedCacheMs;
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
