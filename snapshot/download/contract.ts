/** What the child processes that fetch snapshots are told, and what they answer. */
import type { SnapshotEntry } from "../manifest.ts";

/** Names of the tasks. */
export const LIST_TASK = "list-snapshots";
export const FETCH_TASK = "fetch-snapshot";
export const CHECK_TASK = "check-ldb";

export interface FetchProgress {
  /** `checking`: all bytes are there and right; the database itself is looked at. */
  readonly phase: "downloading" | "checking";
  /** Compressed bytes, those of an earlier attempt included. */
  readonly bytes: number;
  readonly totalBytes: number;
}

export interface FetchRequest {
  /** Keeps what was downloaded for the next attempt; one process at a time works there. */
  readonly workFolder: string;
  /** Where the database is to be; nothing is there yet. */
  readonly targetPath: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: FetchProgress) => void;
}

/** A store of snapshots as whoever bootstraps from it sees it. */
export interface SnapshotSource {
  /** For messages. */
  readonly url: string;
  /**
   * The snapshots that the store's index names, newest first; none where there is no index.
   * @throws CtlstoreError `snapshot_store_unavailable`, `snapshot_store_denied`, `snapshot_damaged`,
   *   `snapshot_incompatible`
   */
  list(signal: AbortSignal): Promise<readonly SnapshotEntry[]>;
  /**
   * Fetches one: the database at `targetPath` is whole, on the disk, and all that its manifest says (R29).
   * @throws CtlstoreError as `list` does, and `snapshot_not_found`, `ldb_disk_full`, `ldb_unavailable`, `ldb_locked`
   */
  fetch(entry: SnapshotEntry, request: FetchRequest): Promise<void>;
}

/** Input of the fetching task; see `FetchRequest`. */
export interface FetchInput {
  readonly url: string;
  /** The entry as `serialize` gives it. */
  readonly entry: string;
  readonly workFolder: string;
  readonly targetPath: string;
}

export interface ListInput {
  readonly url: string;
}

export interface ListOutput {
  /** The index as it is stored. */
  readonly index: string | null;
}

export interface CheckInput {
  readonly databasePath: string;
}
