/**
 * The hash chain over the ledger (I14).
 *
 * link(n) = SHA-256( link(n-1) 32 bytes ‖ sequence 8 bytes ‖ timestamp 8 bytes ‖ statement in UTF-8 ), integers
 * big-endian and unsigned, the timestamp in microseconds since 1970. Nothing of ours signs it: it tells apart
 * histories, it does not prove who wrote them.
 */
import { createHash } from "node:crypto";
import type { Sequence } from "../sequence.ts";

export const HASH_BYTES = 32;
const HEADER_BYTES = HASH_BYTES + 8 + 8;

/** The chain's start in a ledger begun by the original ctlstore. */
export const ZERO_HASH: Uint8Array = new Uint8Array(HASH_BYTES);

interface Linkable {
  readonly sequence: Sequence;
  readonly timestampUs: number;
  readonly statement: string;
}

let scratch = Buffer.alloc(64 * 1024);

/** The next link, as 32 new bytes. */
export function nextLink(previous: Uint8Array, entry: Linkable): Uint8Array {
  const worstBytes = HEADER_BYTES + entry.statement.length * 3;
  if (scratch.length < worstBytes) scratch = Buffer.alloc(worstBytes * 2);
  scratch.set(previous, 0);
  scratch.writeBigUInt64BE(entry.sequence, HASH_BYTES);
  scratch.writeUInt32BE(Math.floor(entry.timestampUs / 0x1_0000_0000), HASH_BYTES + 8);
  scratch.writeUInt32BE(entry.timestampUs % 0x1_0000_0000, HASH_BYTES + 12);
  const statementBytes = scratch.write(entry.statement, HEADER_BYTES, "utf8");
  return sha256(scratch.subarray(0, HEADER_BYTES + statementBytes));
}

/** Bun's one-shot hash is twice as fast as node:crypto's; both give the same bytes. */
function sha256(bytes: Uint8Array): Uint8Array {
  if (typeof Bun === "undefined") return createHash("sha256").update(bytes).digest();
  const digest = new Uint8Array(HASH_BYTES);
  Bun.SHA256.hash(bytes, digest);
  return digest;
}

export function sameHash(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return false;
  return true;
}

export function hashToHex(hash: Uint8Array): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString("hex");
}

/** @throws RangeError unless the text is 64 hex digits */
export function hashFromHex(hex: string): Uint8Array {
  if (!/^[0-9a-f]{64}$/i.test(hex)) throw new RangeError(`not a hash: ${JSON.stringify(hex)}`);
  return new Uint8Array(Buffer.from(hex, "hex"));
}
