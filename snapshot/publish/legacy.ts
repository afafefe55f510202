/**
 * The original ctlstore's layout: one fixed key, from which its Reflectors bootstrap (D18 is theirs).
 *
 * That format has no condition, so it follows our own publication: it is written only while the index names the same
 * snapshot as the newest.
 */
import { readIndex } from "../documents.ts";
import type { LegacyFile } from "../freeze/contract.ts";
import type { SnapshotEntry } from "../manifest.ts";
import type { SnapshotStore } from "../stores/store.ts";

/** What the original's key says about the form of its object. */
export function legacyForm(key: string): "gzip" | "plain" {
  return key.endsWith(".gz") ? "gzip" : "plain";
}

/** URL of the store in which the original's key counts from the bucket, not from our prefix. */
export function legacyStoreUrl(url: string): string {
  const [, bucket, , query = ""] = /^(s3:\/\/[^/?]+)(\/[^?]*)?(\?.*)?$/.exec(url) ?? [];
  return bucket === undefined ? url : `${bucket}${query}`;
}

export interface LegacyPublication {
  readonly key: string;
  readonly file: LegacyFile;
  /** The snapshot that the file is of. */
  readonly entry: SnapshotEntry;
  readonly signal: AbortSignal;
}

/** False when another snapshot is the newest by now, whose Supervisor writes the key itself. */
export async function publishLegacy(
  stores: { readonly store: SnapshotStore; readonly legacyStore: SnapshotStore },
  { key, file, entry, signal }: LegacyPublication,
): Promise<boolean> {
  const found = await readIndex(stores.store, signal);
  if (found?.index.latest.manifestKey !== entry.manifestKey) return false;
  await stores.legacyStore.uploadFile(key, file.path, {
    contentType: "application/octet-stream",
    metadata: { checksum: file.checksum },
    signal,
  });
  return true;
}
