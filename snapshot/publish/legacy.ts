/**
 * The original ctlstore's layout: one fixed key, from which its Reflectors bootstrap (D18 is theirs).
 *
 * That format has no condition, so it follows our own publication: it is written only while the index names the same
 * snapshot as the newest.
 */
import { CtlstoreError, quote } from "../../core/errors.ts";
import { readIndex } from "../documents.ts";
import type { LegacyFile } from "../freeze/contract.ts";
import { INDEX_KEY, SNAPSHOTS_PREFIX } from "../layout.ts";
import type { SnapshotEntry } from "../manifest.ts";
import type { SnapshotStore } from "../stores/store.ts";
import { parseStoreUrl } from "../stores/store-url.ts";

/** What the original's key says about the form of its object. */
export function legacyForm(key: string): "gzip" | "plain" {
  return key.endsWith(".gz") ? "gzip" : "plain";
}

/** URL of the store in which the original's key counts from the bucket, not from our prefix. */
export function legacyStoreUrl(url: string): string {
  const [, bucket, , query = ""] = /^(s3:\/\/[^/?]+)(\/[^?]*)?(\?.*)?$/.exec(url) ?? [];
  return bucket === undefined ? url : `${bucket}${query}`;
}

/**
 * The original's key must not be one of our own objects.
 * @throws CtlstoreError `config_invalid`
 */
export function checkLegacyKey(url: string, key: string): void {
  const location = parseStoreUrl(url);
  const prefix = location.kind === "s3" && location.prefix !== "" ? `${location.prefix}/` : "";
  // In a folder a name is either a file's or a folder's.
  const isOurs = [`${INDEX_KEY}/`, SNAPSHOTS_PREFIX].some((ours) => `${key}/`.startsWith(`${prefix}${ours}`));
  if (!isOurs) return;
  throw new CtlstoreError(
    "config_invalid",
    `Cannot use ${quote(key)} for --legacy-key: ${quote(url)} has snapshots of ctlstore there`,
  );
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
