/** Sizes of a binary: on disk, and of what goes over the network. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { constants, zstdCompressSync } from "node:zlib";

/** Takes 0.6 s for a binary; level 19 takes a minute and a half for a fifth less. */
const QUICK_LEVEL = 3;
const SMALLEST_LEVEL = 19;
const MOST_OUTPUT_BYTES = 256 * 2 ** 20;

export interface Sizes {
  readonly bytes: number;
  readonly zstdBytes: number;
  /** With the most effort, and by xz; null when not asked for, or when there is no xz. */
  readonly smallestZstdBytes: number | null;
  readonly xzBytes: number | null;
  readonly sha256: string;
}

export function sizesOf(path: string, smallest: boolean): Sizes {
  const bytes = readFileSync(path);
  return {
    bytes: bytes.byteLength,
    zstdBytes: zstdBytes(bytes, QUICK_LEVEL),
    smallestZstdBytes: smallest ? zstdBytes(bytes, SMALLEST_LEVEL) : null,
    xzBytes: smallest ? xzBytes(path) : null,
    sha256: createHash("sha256").update(bytes).digest("hex"),
  };
}

export function zstdBytes(bytes: Uint8Array, level: number): number {
  const params = { [constants.ZSTD_c_compressionLevel]: level };
  return zstdCompressSync(bytes, { params }).byteLength;
}

function xzBytes(path: string): number | null {
  const { status, stdout } = spawnSync("xz", ["-9", "-T0", "-c", path], { maxBuffer: MOST_OUTPUT_BYTES });
  return status === 0 ? stdout.byteLength : null;
}

export function describeSizes({ bytes, zstdBytes, smallestZstdBytes, xzBytes }: Sizes): string {
  const parts = [`${megabytes(bytes)} on disk`, `${megabytes(zstdBytes)} by zstd -${QUICK_LEVEL}`];
  if (smallestZstdBytes !== null) parts.push(`${megabytes(smallestZstdBytes)} by zstd -${SMALLEST_LEVEL}`);
  if (xzBytes !== null) parts.push(`${megabytes(xzBytes)} by xz -9`);
  return parts.join(", ");
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
