/**
 * Names of the objects in a store of snapshots (docs/snapshot-format.md).
 *
 *     latest.json                                     the index: which snapshot is the newest, and those before it
 *     snapshots/<sequence>-<digest>.json              manifest of one snapshot
 *     snapshots/<sequence>-<digest>.ldb.zst           its data: a compressed SQLite database
 *
 * The sequence has 20 digits, so that names sort; the digest is the first 16 hex digits of the data object's own
 * SHA-256, so that one name always stands for the same bytes, whoever writes it, with whatever compression.
 */
import type { Sequence } from "../core/sequence.ts";

export const INDEX_KEY = "latest.json";
export const SNAPSHOTS_PREFIX = "snapshots/";

export type Compression = "zstd" | "gzip";

const SEQUENCE_DIGITS = 20;
const DIGEST_DIGITS = 16;
const EXTENSIONS: Readonly<Record<Compression, string>> = { zstd: "zst", gzip: "gz" };

export interface SnapshotName {
  readonly sequence: Sequence;
  /** SHA-256 of the data object, which is the compressed database, in hex. */
  readonly dataSha256: string;
}

function baseName({ sequence, dataSha256 }: SnapshotName): string {
  const digits = sequence.toString().padStart(SEQUENCE_DIGITS, "0");
  return `${SNAPSHOTS_PREFIX}${digits}-${dataSha256.slice(0, DIGEST_DIGITS)}`;
}

export function manifestKey(name: SnapshotName): string {
  return `${baseName(name)}.json`;
}

export function dataKey(name: SnapshotName, compression: Compression): string {
  return `${baseName(name)}.ldb.${EXTENSIONS[compression]}`;
}
