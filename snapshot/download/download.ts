/**
 * The compressed bytes of a snapshot from its first to its last: those that are on the disk already, then those from
 * the store, which are kept on the disk as they come.
 *
 * A connection that breaks is taken up again from where it broke, while the object is still the same one (R22).
 */
import { CtlstoreError, isCtlstoreError } from "../../core/errors.ts";
import { BOOTSTRAP_LIMITS } from "../../core/limits.ts";
import { createBackoff } from "../../core/process/backoff.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { SnapshotStore } from "../stores/store.ts";
import type { PartFile } from "./part-file.ts";
import { joined, readAhead } from "./read-ahead.ts";

export interface DownloadDeps {
  readonly store: SnapshotStore;
  readonly clock: Clock;
  readonly random: () => number;
  readonly part: PartFile;
  readonly signal: AbortSignal;
  /** Called with the bytes that are on the disk. */
  readonly onBytes: (bytes: number) => void;
}

export interface WantedObject {
  readonly key: string;
  readonly bytes: number;
}

/**
 * @throws CtlstoreError `snapshot_damaged` when the object is not as long as it must be or was replaced meanwhile,
 *   `snapshot_not_found`, `snapshot_store_unavailable`, `snapshot_store_denied`
 */
export async function* downloadInto(deps: DownloadDeps, object: WantedObject): AsyncGenerator<Uint8Array> {
  const { part, onBytes } = deps;
  const { chunkBytes, readAheadBytes } = BOOTSTRAP_LIMITS;
  if (part.bytes > object.bytes) await part.clear();
  yield* part.chunks(4 * chunkBytes);
  if (part.bytes === object.bytes) return;
  const rest = joined(fromStore(deps, object, part.bytes), chunkBytes);
  for await (const chunk of readAhead(rest, readAheadBytes)) {
    await part.append(chunk);
    onBytes(part.bytes);
    yield chunk;
  }
}

async function* fromStore(
  { store, clock, random, signal }: DownloadDeps,
  { key, bytes }: WantedObject,
  from: number,
): AsyncGenerator<Uint8Array> {
  const { base, max } = BOOTSTRAP_LIMITS.downloadBackoffMs;
  const backoff = createBackoff({ baseMs: base, maxMs: max }, random);
  let version: string | undefined;
  for (let at = from; at < bytes; ) {
    try {
      const pinned = version === undefined ? {} : { version };
      const object = await store.readObject(key, { fromByte: at, signal, ...pinned });
      if (object === null) throw vanished(store, key);
      if (object.totalBytes !== bytes) throw otherLength(store, key, { found: object.totalBytes, bytes });
      version = object.version;
      for await (const chunk of object.body) {
        at += chunk.length;
        if (at > bytes) throw otherLength(store, key, { found: at, bytes });
        backoff.reset();
        yield chunk;
      }
      if (at < bytes) throw endedEarly(store, key, at);
    } catch (error) {
      signal.throwIfAborted();
      if (isReplaced(error)) throw replaced(store, key, error);
      if (!isPassing(error) || backoff.attempts + 1 >= BOOTSTRAP_LIMITS.downloadAttempts) throw error;
      await clock.sleep(backoff.nextMs(), signal);
    }
  }
}

function isReplaced(error: unknown): boolean {
  return isCtlstoreError(error) && error.code === "snapshot_conflict";
}

function isPassing(error: unknown): boolean {
  return isCtlstoreError(error) && error.code === "snapshot_store_unavailable";
}

function vanished(store: SnapshotStore, key: string): CtlstoreError {
  return new CtlstoreError(
    "snapshot_not_found",
    `Cannot fetch ${key} from ${store.url}: it is not there any more`,
  );
}

function otherLength(
  store: SnapshotStore,
  key: string,
  { found, bytes }: { readonly found: number; readonly bytes: number },
): CtlstoreError {
  return new CtlstoreError(
    "snapshot_damaged",
    `Cannot fetch ${key} from ${store.url}: it has ${found} bytes; its manifest says ${bytes}`,
  );
}

function replaced(store: SnapshotStore, key: string, cause: unknown): CtlstoreError {
  return new CtlstoreError(
    "snapshot_damaged",
    `Cannot fetch ${key} from ${store.url}: it was replaced while it was read`,
    { cause },
  );
}

function endedEarly(store: SnapshotStore, key: string, at: number): CtlstoreError {
  return new CtlstoreError(
    "snapshot_store_unavailable",
    `Cannot fetch ${key} from ${store.url}: the connection ended at byte ${at}`,
  );
}
