/**
 * A set of rows' keys that holds 16 bytes of each key's hash and nothing else: millions of them while a snapshot comes in.
 *
 * Open addressing in one typed array, as a `Set` of texts would take ten times as much. Two keys with the same 128 bits do
 * not happen.
 */
import { createHash } from "node:crypto";

/** 128 bits of a key's hash. */
export type KeyDigest = Uint32Array;

export function digestOfKey(keyText: string): KeyDigest {
  const hash = createHash("sha256").update(keyText).digest();
  const digest = new Uint32Array(WORDS);
  for (let i = 0; i < WORDS; i++) digest[i] = hash.readUInt32LE(i * 4);
  // Never that of a free slot.
  digest[WORDS - 1] = ((digest[WORDS - 1] ?? 0) | 1) >>> 0;
  return digest;
}

/** Words of 32 bits per slot; a slot of zeros is free. */
const WORDS = 4;
const FIRST_SLOTS = 1_024;
/** Beyond it, looks for a free slot grow long. */
const MOST_FULL = 0.75;

export class KeyMarks {
  #slots = FIRST_SLOTS;
  #words = new Uint32Array(FIRST_SLOTS * WORDS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#words.byteLength;
  }

  add(digest: KeyDigest): void {
    const slot = this.#find(digest);
    if (!this.#isFree(slot)) return;
    this.#words.set(digest, slot * WORDS);
    this.#size += 1;
    if (this.#size > this.#slots * MOST_FULL) this.#grow();
  }

  has(digest: KeyDigest): boolean {
    return !this.#isFree(this.#find(digest));
  }

  delete(digest: KeyDigest): void {
    const slot = this.#find(digest);
    if (this.#isFree(slot)) return;
    this.#close(slot);
    this.#size -= 1;
  }

  /** The slot of the digest, or the free one where it would be. */
  #find(digest: KeyDigest): number {
    let slot = this.#home(digest[0] ?? 0);
    while (!this.#isFree(slot) && !this.#isAt(slot, digest)) slot = this.#next(slot);
    return slot;
  }

  #home(word: number): number {
    return word & (this.#slots - 1);
  }

  #next(slot: number): number {
    return (slot + 1) & (this.#slots - 1);
  }

  #isFree(slot: number): boolean {
    return this.#words[slot * WORDS + WORDS - 1] === 0;
  }

  #isAt(slot: number, digest: KeyDigest): boolean {
    for (let i = 0; i < WORDS; i++) if (this.#words[slot * WORDS + i] !== digest[i]) return false;
    return true;
  }

  /** Frees a slot; those behind it move up, so that each stays within reach of its home. */
  #close(freed: number): void {
    let gap = freed;
    for (let slot = this.#next(gap); !this.#isFree(slot); slot = this.#next(slot)) {
      const home = this.#home(this.#words[slot * WORDS] ?? 0);
      const mask = this.#slots - 1;
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue;
      this.#words.copyWithin(gap * WORDS, slot * WORDS, (slot + 1) * WORDS);
      gap = slot;
    }
    this.#words.fill(0, gap * WORDS, (gap + 1) * WORDS);
  }

  #grow(): void {
    const old = this.#words;
    this.#slots *= 2;
    this.#words = new Uint32Array(this.#slots * WORDS);
    for (let at = 0; at < old.length; at += WORDS) {
      if (old[at + WORDS - 1] === 0) continue;
      let slot = this.#home(old[at] ?? 0);
      while (!this.#isFree(slot)) slot = this.#next(slot);
      this.#words.set(old.subarray(at, at + WORDS), slot * WORDS);
    }
  }
}
