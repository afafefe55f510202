/** Reads the index of a store and the manifests that it names: parsed, and checked against what names them. */
import { sha256Hex } from "../core/digest/byte-digest.ts";
import { CtlstoreError, quote } from "../core/errors.ts";
import { INDEX_KEY } from "./layout.ts";
import {
  parseIndex,
  parseManifest,
  type SnapshotEntry,
  type SnapshotIndex,
  type SnapshotManifest,
} from "./manifest.ts";
import type { SnapshotStore } from "./stores/store.ts";

export interface FoundIndex {
  readonly index: SnapshotIndex;
  /** For the condition of the write that replaces it. */
  readonly version: string;
}

/**
 * Null when nothing was ever published there.
 * @throws CtlstoreError `snapshot_damaged`, `snapshot_incompatible`, and what the store throws
 */
export async function readIndex(store: SnapshotStore, signal: AbortSignal): Promise<FoundIndex | null> {
  const document = await store.readDocument(INDEX_KEY, signal);
  if (document === null) return null;
  const index = parseIndex(document.bytes, `${INDEX_KEY} of ${quote(store.url)}`);
  return { index, version: document.version };
}

/**
 * The manifest that an entry of the index names.
 * @throws CtlstoreError `snapshot_not_found`, `snapshot_damaged`, `snapshot_incompatible`, and what the store throws
 */
export async function readManifest(
  store: SnapshotStore,
  entry: SnapshotEntry,
  signal: AbortSignal,
): Promise<SnapshotManifest> {
  const source = `${entry.manifestKey} of ${quote(store.url)}`;
  const document = await store.readDocument(entry.manifestKey, signal);
  if (document === null) {
    throw new CtlstoreError(
      "snapshot_not_found",
      `Cannot use ${source}: it is not there, though the index names it`,
    );
  }
  if (sha256Hex(document.bytes) !== entry.manifestSha256) {
    throw new CtlstoreError(
      "snapshot_damaged",
      `Cannot use ${source}: its bytes are not those that the index names`,
    );
  }
  const manifest = parseManifest(document.bytes, source);
  const agrees =
    manifest.sequence === entry.sequence && manifest.epoch === entry.epoch && manifest.hash === entry.hash;
  if (agrees) return manifest;
  throw new CtlstoreError(
    "snapshot_damaged",
    `Cannot use ${source}: it is of another state than the index says`,
  );
}

/** What the index says of a snapshot. */
export function entryOf(
  manifest: SnapshotManifest,
  document: { readonly key: string; readonly bytes: Uint8Array },
): SnapshotEntry {
  return {
    sequence: manifest.sequence,
    epoch: manifest.epoch,
    hash: manifest.hash,
    manifestKey: document.key,
    manifestSha256: sha256Hex(document.bytes),
    compressedBytes: manifest.compressed.bytes,
    plainBytes: manifest.plain.bytes,
    createdAt: manifest.createdAt,
  };
}
