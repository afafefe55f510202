/**
 * Where snapshots are kept: the contract of every store. `file.ts` and `s3.ts` keep it; one suite proves it for both
 * (tests/snapshot/stores).
 *
 * Two kinds of objects: small documents, replaced only under a condition, and large ones, written once under a name that
 * nobody writes again.
 */

/** A small object as it was read. */
export interface StoredDocument {
  readonly bytes: Uint8Array;
  /** Stands for exactly these bytes at this place (an ETag); for the condition of the next write. */
  readonly version: string;
}

/** What must be true of an object for a write to happen, judged in one step with the write. */
export type WriteCondition =
  | { readonly kind: "absent" }
  | { readonly kind: "unchanged"; readonly version: string };

export interface WriteOptions {
  readonly condition: WriteCondition;
  readonly contentType: string;
  readonly signal: AbortSignal;
}

export interface UploadOptions {
  readonly contentType: string;
  /** Kept with the object where the store can (S3's user metadata). */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Called with the bytes that the store has taken so far. */
  readonly onProgress?: (bytes: number) => void;
}

/** A large object while it is read, from a byte on. */
export interface ObjectReader {
  readonly version: string;
  /** Of the whole object. */
  readonly totalBytes: number;
  /**
   * The bytes from `fromByte` to the end, to be read once. It throws `snapshot_store_unavailable` where it ends early
   * or stalls; to go on from there, read again with this version. Whoever leaves it unread loses it after a while.
   */
  readonly body: AsyncIterable<Uint8Array>;
}

export interface ReadRange {
  readonly fromByte: number;
  /** Read only while the object is still this one. */
  readonly version?: string;
  readonly signal: AbortSignal;
}

export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
  readonly modifiedAtMs: number;
}

/**
 * Every method rejects with the signal's reason when that aborts, else with a CtlstoreError:
 * `snapshot_store_unavailable` (try again), `snapshot_store_denied`, or what it says itself. A folder or bucket that is
 * not there is unavailable, never empty, and is not made.
 *
 * Keys are relative to the store's URL: parts of [0-9A-Za-z._-] of at most 200 characters joined by slashes, 512 in all,
 * none beginning with a dot (`isObjectKey`); others are refused with `invalid_name`.
 */
export interface SnapshotStore extends AsyncDisposable {
  /** As given, without anything secret in it; for messages. */
  readonly url: string;
  /** Null when there is no such object. */
  readDocument(key: string, signal: AbortSignal): Promise<StoredDocument | null>;
  /**
   * Writes a small object (at most 4 MiB) under a condition, and says its version. An answer that was lost is settled by
   * reading back, so content must be unique: what is there and equals `bytes` was written by this call.
   * @throws CtlstoreError `snapshot_conflict` when the condition is not met
   */
  writeDocument(key: string, bytes: Uint8Array, options: WriteOptions): Promise<string>;
  /** Copies a file to the store, whole or not at all, replacing what is there. @throws CtlstoreError `ldb_unavailable` */
  uploadFile(key: string, path: string, options: UploadOptions): Promise<void>;
  /** Null when there is no such object. @throws CtlstoreError `snapshot_conflict` when its version is another one */
  readObject(key: string, range: ReadRange): Promise<ObjectReader | null>;
  /** All objects whose key begins with the prefix, in no order. */
  list(prefix: string, signal: AbortSignal): AsyncIterable<StoredObject>;
  /** Deletes objects; those that are not there are no error. */
  remove(keys: readonly string[], signal: AbortSignal): Promise<void>;
  /** Frees what uploads that died left behind and that is older; says how many. */
  removeUnfinished(olderThanMs: number, signal: AbortSignal): Promise<number>;
}
