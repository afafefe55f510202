/**
 * Tells old gaps of the original from commits in flight (D8).
 *
 * The original takes sequences before it commits, so a gap may still be filled. Here an entry is believed to have all
 * its predecessors once it, or a later one, has been seen for the grace period; by this machine's own steady clock,
 * since the ledger's timestamps may be in any time zone.
 */
import type { Sequence } from "../core/sequence.ts";

interface Sighting {
  readonly head: Sequence;
  readonly atMs: number;
}

/** Sightings closer together than this part of the grace period add nothing; it bounds how many are kept (I13). */
const SIGHTINGS_PER_GRACE = 20;

export class GapWatch {
  readonly #graceMs: number;
  readonly #sightings: Sighting[] = [];
  #settledThrough = 0n;

  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  /** Call with the highest sequence of every answer of the ledger. */
  observe(head: Sequence, nowMs: number): void {
    const last = this.#sightings.at(-1);
    if (head <= this.#settledThrough || (last !== undefined && head <= last.head)) return;
    if (last !== undefined && nowMs - last.atMs < this.#graceMs / SIGHTINGS_PER_GRACE) return;
    this.#sightings.push({ head, atMs: nowMs });
  }

  /** True when a gap just before this entry can no longer be filled. */
  isSettled(entry: Sequence, nowMs: number): boolean {
    for (;;) {
      const oldest = this.#sightings[0];
      if (oldest === undefined || nowMs - oldest.atMs < this.#graceMs) break;
      this.#settledThrough = oldest.head;
      this.#sightings.shift();
    }
    return entry <= this.#settledThrough;
  }
}
