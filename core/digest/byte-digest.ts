/** SHA-256 of bytes, at once or as they pass. */
import { createHash, type Hash } from "node:crypto";

/** 64 hex digits. */
export function sha256Hex(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export interface BytesSummary {
  readonly bytes: number;
  /** 64 hex digits. */
  readonly sha256: string;
}

/** Counts and hashes what passes. */
export class ByteDigest {
  readonly #hash: Hash = createHash("sha256");
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  add(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#bytes += chunk.length;
  }

  /** True when just these bytes have passed. Call once, at the end, in place of `summary`. */
  is(expected: BytesSummary): boolean {
    const { bytes, sha256 } = this.summary();
    return bytes === expected.bytes && sha256 === expected.sha256;
  }

  /** Call once, at the end. */
  summary(): BytesSummary {
    return { bytes: this.#bytes, sha256: this.#hash.digest("hex") };
  }
}
