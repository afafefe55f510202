/**
 * A digest of a set of rows, in whatever order they come: the sum of the SHA-256 of each.
 *
 * The order matters to neither side's speed then: SQLite reads a table three times as fast in its own order as in that
 * of the key. The sum is of eight 32-bit numbers, each by itself.
 */
import type { Cell } from "../sql/stored-rows.ts";
import { RowEncoder } from "./row-encoder.ts";

const WORDS = 8;

/** What a set of rows comes to. */
export interface RowsSummary {
  readonly rows: number;
  /** 64 hex digits; equal for equal sets of rows (I8). */
  readonly digest: string;
}

export class TableDigest {
  readonly #encoder = new RowEncoder();
  readonly #hash = new Uint8Array(4 * WORDS);
  readonly #hashWords = new Int32Array(this.#hash.buffer);
  readonly #sum = new Int32Array(WORDS);
  #rows = 0;

  add(cells: readonly Cell[]): void {
    Bun.SHA256.hash(this.#encoder.encode(cells), this.#hash);
    for (let i = 0; i < WORDS; i++) this.#sum[i] = ((this.#sum[i] ?? 0) + (this.#hashWords[i] ?? 0)) | 0;
    this.#rows += 1;
  }

  get rows(): number {
    return this.#rows;
  }

  /** True when text that is not UTF-8 may have been taken for text that holds U+FFFD. */
  get doubtful(): boolean {
    return this.#encoder.sawReplacement;
  }

  summary(): RowsSummary {
    return { rows: this.#rows, digest: Buffer.from(this.#sum.buffer).toString("hex") };
  }
}
