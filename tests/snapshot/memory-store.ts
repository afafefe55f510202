/** A store of snapshots in memory, with a hook before each operation, for faults and for races that end one way only. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { CtlstoreError } from "../../core/errors.ts";
import type {
  ObjectReader,
  ReadRange,
  SnapshotStore,
  StoredDocument,
  StoredObject,
  UploadOptions,
  WriteOptions,
} from "../../snapshot/stores/store.ts";

export type StoreOperation =
  | "readDocument"
  | "writeDocument"
  | "uploadFile"
  | "readObject"
  | "list"
  | "remove"
  | "removeUnfinished";

interface MemoryObject {
  readonly bytes: Uint8Array;
  readonly metadata: Readonly<Record<string, string>>;
  modifiedAtMs: number;
}

export class MemoryStore implements SnapshotStore {
  readonly url = "memory:";
  readonly objects = new Map<string, MemoryObject>();
  /** Called before each operation; what it throws is the operation's failure. */
  before: (operation: StoreOperation, key: string) => void | Promise<void> = () => {};

  async readDocument(key: string): Promise<StoredDocument | null> {
    await this.before("readDocument", key);
    const found = this.objects.get(key);
    return found === undefined ? null : { bytes: found.bytes, version: versionOf(found.bytes) };
  }

  async writeDocument(key: string, bytes: Uint8Array, { condition }: WriteOptions): Promise<string> {
    await this.before("writeDocument", key);
    const found = this.objects.get(key);
    const isMet =
      condition.kind === "absent"
        ? found === undefined
        : found !== undefined && versionOf(found.bytes) === condition.version;
    if (!isMet) throw new CtlstoreError("snapshot_conflict", `Cannot write ${key}: it is another one by now`);
    this.put(key, bytes);
    return versionOf(bytes);
  }

  async uploadFile(key: string, path: string, { metadata = {}, onProgress }: UploadOptions): Promise<void> {
    await this.before("uploadFile", key);
    const bytes = readFileSync(path);
    onProgress?.(bytes.length);
    this.put(key, bytes, metadata);
  }

  async readObject(key: string, { fromByte }: ReadRange): Promise<ObjectReader | null> {
    await this.before("readObject", key);
    const found = this.objects.get(key);
    if (found === undefined) return null;
    const { bytes } = found;
    const body = (async function* () {
      yield bytes.subarray(fromByte);
    })();
    return { version: versionOf(bytes), totalBytes: bytes.length, body };
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    await this.before("list", prefix);
    for (const [key, { bytes, modifiedAtMs }] of [...this.objects]) {
      if (key.startsWith(prefix)) yield { key, bytes: bytes.length, modifiedAtMs };
    }
  }

  async remove(keys: readonly string[]): Promise<void> {
    await this.before("remove", keys.join(","));
    for (const key of keys) this.objects.delete(key);
  }

  async removeUnfinished(): Promise<number> {
    await this.before("removeUnfinished", "");
    return 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  put(key: string, bytes: Uint8Array, metadata: Readonly<Record<string, string>> = {}): void {
    this.objects.set(key, { bytes, metadata, modifiedAtMs: Date.now() });
  }

  /** Makes an object look older. */
  age(key: string, ms: number): void {
    const found = this.objects.get(key);
    if (found !== undefined) found.modifiedAtMs -= ms;
  }
}

export function storeAway(): CtlstoreError {
  return new CtlstoreError("snapshot_store_unavailable", "Cannot reach the store: it is away");
}

function versionOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
