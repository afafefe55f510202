/** Opens the store that a URL names. The S3 SDK is loaded only where an S3 store is used. */
import { type Clock, systemClock } from "../../core/process/clock.ts";
import { FileStore } from "./file.ts";
import type { S3Credentials, S3Limits } from "./s3/settings.ts";
import type { SnapshotStore } from "./store.ts";
import { parseStoreUrl } from "./store-url.ts";

export interface StoreDeps {
  readonly clock?: Clock;
  /** In place of what the SDK finds by itself: environment, profile, role. */
  readonly credentials?: S3Credentials;
  /** Other time limits and sizes towards S3. */
  readonly limits?: Partial<S3Limits>;
}

/**
 * Only looks at the URL: the store may be down, and is asked when it is used first.
 *
 * @param url `file:///FOLDER` or `s3://BUCKET/PREFIX?…` (store-url.ts)
 * @throws CtlstoreError `config_invalid`
 */
export async function openSnapshotStore(url: string, deps: StoreDeps = {}): Promise<SnapshotStore> {
  const { clock = systemClock } = deps;
  const location = parseStoreUrl(url);
  if (location.kind === "file") return new FileStore(location, { clock });
  const { openS3Store } = await import("./s3/store.ts");
  return openS3Store(location, { ...deps, clock });
}
