/** Non-negative integers up to 2^53 in as few bytes as they need, seven bits each, the lowest first. */
import { CtlstoreError } from "../../../core/errors.ts";

export class VarintWriter {
  readonly #bytes: number[] = [];

  bytes(bytes: Uint8Array): void {
    this.#bytes.push(...bytes);
  }

  number(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new CtlstoreError(
        "internal",
        `Cannot write ${value} into a cookie: it is no whole number from 0 to 2^53`,
      );
    let rest = value;
    // Beyond 32 bits the operators for bits would lose some.
    while (rest >= 0x80) {
      this.#bytes.push((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes.push(rest);
  }

  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

/** Reads what a `VarintWriter` wrote. Every call answers null when the bytes are not of that form. */
export class VarintReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  bytes(count: number): Uint8Array | null {
    if (this.#at + count > this.#bytes.length) return null;
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  number(): number | null {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 0x80) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) return null;
      this.#at += 1;
      value += (byte % 0x80) * scale;
      // One form for each number: equal states have equal bytes.
      if (byte < 0x80) return Number.isSafeInteger(value) && (byte > 0 || scale === 1) ? value : null;
    }
    return null;
  }
}
