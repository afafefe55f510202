/**
 * A store in a folder: `file:///FOLDER`, on a disk or on a mount that several hosts share.
 *
 * An object is a file. It is written beside its place, made durable, and renamed: whoever reads sees the old one or the
 * new one, whole, and a crash leaves nothing but a hidden file (`removeUnfinished`). A condition is judged under a lock
 * between processes (`.lock`) that the kernel frees with its holder; readers need neither lock nor write access.
 *
 * The version of a document is the SHA-256 of its bytes. That of a large object is the identity of its file, which a
 * rename always changes: hashing a gigabyte to pin it would cost more than reading it.
 */
import { mkdir, open, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { sha256Hex } from "../../core/digest/byte-digest.ts";
import { CtlstoreError, quote } from "../../core/errors.ts";
import { STORE_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import { FileLock } from "../../ldb/file-lock.ts";
import { copyIntoPlace, isUnfinished, writeIntoPlace } from "./file-atomic.ts";
import { fileStoreError, isMissing, noFolder } from "./file-errors.ts";
import { chunksOf, identify, readDocumentFile } from "./file-read.ts";
import { walkFiles } from "./file-walk.ts";
import { checkKey, checkPrefix, isObjectKey } from "./keys.ts";
import { conflict, replaced, runOperation, tooLarge } from "./outcomes.ts";
import type {
  ObjectReader,
  ReadRange,
  SnapshotStore,
  StoredDocument,
  StoredObject,
  UploadOptions,
  WriteCondition,
  WriteOptions,
} from "./store.ts";
import type { FileLocation } from "./store-url.ts";

const LOCK_NAME = ".lock";
const LOCK_RETRY_MS = 5;

export class FileStore implements SnapshotStore {
  readonly url: string;
  readonly #folder: string;
  readonly #clock: Clock;

  constructor(location: FileLocation, deps: { readonly clock: Clock }) {
    this.url = location.url;
    this.#folder = location.folder;
    this.#clock = deps.clock;
  }

  readDocument(key: string, signal: AbortSignal): Promise<StoredDocument | null> {
    return this.#run(`read ${quote(key)}`, signal, async () => {
      const path = this.#path(key);
      const bytes = await this.#document(key, path);
      if (bytes === null) await this.#checkFolder();
      return bytes === null ? null : { bytes, version: sha256Hex(bytes) };
    });
  }

  writeDocument(key: string, bytes: Uint8Array, options: WriteOptions): Promise<string> {
    const { condition, signal } = options;
    return this.#run(`write ${quote(key)}`, signal, async () => {
      const path = this.#path(key);
      if (bytes.length > STORE_LIMITS.documentBytes) throw tooLarge(key, this.url, bytes.length);
      await this.#checkFolder();
      await mkdir(dirname(path), { recursive: true });
      using _lock = await this.#lock(signal);
      const current = await this.#document(key, path);
      const version = sha256Hex(bytes);
      const now = current === null ? null : sha256Hex(current);
      if (now === version) return version;
      if (!isMet(condition, now)) throw conflict(key, this.url, condition);
      await writeIntoPlace(path, bytes, signal);
      return version;
    });
  }

  uploadFile(key: string, path: string, options: UploadOptions): Promise<void> {
    return this.#run(`copy ${quote(path)} to ${quote(key)}`, options.signal, async () => {
      const target = this.#path(key);
      await this.#checkFolder();
      await mkdir(dirname(target), { recursive: true });
      await copyIntoPlace(path, target, options);
    });
  }

  readObject(key: string, range: ReadRange): Promise<ObjectReader | null> {
    const { fromByte, signal } = range;
    return this.#run(`read ${quote(key)}`, signal, async () => {
      const path = this.#path(key);
      const found = await identify(() => stat(path, { bigint: true }));
      if (found === null) {
        await this.#checkFolder();
        return null;
      }
      const isOther = range.version !== undefined && range.version !== found.version;
      if (isOther || fromByte > found.bytes) throw replaced(key, this.url);
      const body = this.#readFrom(key, path, { fromByte, signal, version: found.version });
      return { version: found.version, totalBytes: found.bytes, body };
    });
  }

  async *list(prefix: string, signal: AbortSignal): AsyncIterable<StoredObject> {
    checkPrefix(prefix);
    try {
      signal.throwIfAborted();
      await this.#checkFolder();
      for await (const file of walkFiles(this.#folder, prefix.slice(0, prefix.lastIndexOf("/") + 1))) {
        signal.throwIfAborted();
        if (!file.key.startsWith(prefix) || !isObjectKey(file.key)) continue;
        yield { key: file.key, bytes: file.bytes, modifiedAtMs: file.modifiedAtMs };
      }
    } catch (error) {
      signal.throwIfAborted();
      throw fileStoreError(`list ${quote(prefix)} in ${this.url}`, error);
    }
  }

  remove(keys: readonly string[], signal: AbortSignal): Promise<void> {
    return this.#run(`remove ${keys.length} objects`, signal, async () => {
      const paths = keys.map((key) => this.#path(key));
      await this.#checkFolder();
      for (const path of paths) {
        signal.throwIfAborted();
        await rm(path).catch((error: unknown) => {
          if (!isMissing(error)) throw error;
        });
      }
    });
  }

  removeUnfinished(olderThanMs: number, signal: AbortSignal): Promise<number> {
    return this.#run("remove what unfinished uploads left", signal, async () => {
      await this.#checkFolder();
      const before = this.#clock.nowUs() / 1000 - olderThanMs;
      let removed = 0;
      for await (const file of walkFiles(this.#folder, "")) {
        signal.throwIfAborted();
        if (!isUnfinished(file.key) || file.modifiedAtMs > before) continue;
        await rm(join(this.#folder, file.key), { force: true });
        removed += 1;
      }
      return removed;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #document(key: string, path: string): Promise<Uint8Array | null> {
    return readDocumentFile(path, (bytes) => tooLarge(key, this.url, bytes));
  }

  #path(key: string): string {
    return join(this.#folder, checkKey(key));
  }

  #run<T>(action: string, signal: AbortSignal, operation: () => Promise<T>): Promise<T> {
    return runOperation(signal, operation, (error) => fileStoreError(`${action} in ${this.url}`, error));
  }

  /** "No such object" may only be said of a folder that is there. */
  async #checkFolder(): Promise<void> {
    try {
      if ((await stat(this.#folder)).isDirectory()) return;
    } catch (error) {
      if (isMissing(error)) throw noFolder(this.url, error);
      throw error;
    }
    throw noFolder(this.url, undefined);
  }

  async #lock(signal: AbortSignal): Promise<FileLock> {
    const path = join(this.#folder, LOCK_NAME);
    const deadline = this.#clock.monotonicMs() + STORE_LIMITS.fileLockWaitMs;
    for (;;) {
      const lock = FileLock.tryAcquire(path);
      if (lock !== null) return lock;
      if (this.#clock.monotonicMs() > deadline) {
        throw new CtlstoreError(
          "snapshot_store_unavailable",
          `Cannot lock ${quote(path)}: another process has held it for ${STORE_LIMITS.fileLockWaitMs} ms`,
          { hint: "Which process has this file open? One that is stopped keeps its locks." },
        );
      }
      await this.#clock.sleep(LOCK_RETRY_MS, signal);
    }
  }

  async *#readFrom(key: string, path: string, range: ReadRange): AsyncGenerator<Uint8Array> {
    const { fromByte, signal, version } = range;
    try {
      await using file = await open(path, "r");
      const opened = await identify(() => file.stat({ bigint: true }));
      if (opened === null || opened.version !== version) throw replaced(key, this.url);
      yield* chunksOf(file, { fromByte, toByte: opened.bytes, signal });
    } catch (error) {
      signal.throwIfAborted();
      if (isMissing(error)) throw replaced(key, this.url);
      throw fileStoreError(`read ${quote(key)} in ${this.url}`, error);
    }
  }
}

function isMet(condition: WriteCondition, version: string | null): boolean {
  return condition.kind === "absent" ? version === null : version === condition.version;
}
