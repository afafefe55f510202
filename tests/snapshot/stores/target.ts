/** What the suite of stores runs on, and the small tools that its files share. */
import { join } from "node:path";
import { type ErrorCode, isCtlstoreError } from "../../../core/errors.ts";
import { openSnapshotStore, type StoreDeps } from "../../../snapshot/stores/open.ts";
import type { ObjectReader, SnapshotStore, WriteCondition } from "../../../snapshot/stores/store.ts";

export interface StoreTarget {
  readonly name: string;
  /** URL of a new, empty store. */
  createStore(): Promise<string>;
  deps(): Promise<StoreDeps>;
  /** For child processes that open the same store. */
  env(): Promise<Readonly<Record<string, string>>>;
}

export const CHILD = [process.execPath, join(import.meta.dir, "store-child.ts")] as const;

/** A signal that nobody aborts. */
export const calm = new AbortController().signal;
export const absent: WriteCondition = { kind: "absent" };
export const unchanged = (version: string): WriteCondition => ({ kind: "unchanged", version });

export async function openEmpty(target: StoreTarget, deps: StoreDeps = {}): Promise<SnapshotStore> {
  return openSnapshotStore(await target.createStore(), { ...(await target.deps()), ...deps });
}

export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

export function write(
  store: SnapshotStore,
  key: string,
  content: string,
  condition: WriteCondition,
): Promise<string> {
  return store.writeDocument(key, text(content), {
    condition,
    contentType: "application/json",
    signal: calm,
  });
}

export async function read(store: SnapshotStore, key: string): Promise<string | null> {
  const found = await store.readDocument(key, calm);
  return found === null ? null : new TextDecoder().decode(found.bytes);
}

export function upload(store: SnapshotStore, key: string, path: string): Promise<void> {
  return store.uploadFile(key, path, { contentType: "application/octet-stream", signal: calm });
}

/** Opens an object that must be there. */
export async function openObject(
  store: SnapshotStore,
  key: string,
  range: { readonly fromByte?: number; readonly version?: string; readonly signal?: AbortSignal } = {},
): Promise<ObjectReader> {
  const found = await store.readObject(key, { fromByte: 0, signal: calm, ...range });
  if (found === null) throw new Error(`there is no ${key}`);
  return found;
}

export async function bytesOf(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk.slice());
  return Buffer.concat(chunks);
}

export async function keysOf(store: SnapshotStore, prefix = ""): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix, calm)) keys.push(key);
  return keys.sort();
}

/** The code of the error that a call ends with; "done" when it succeeds, the error itself when it has no code. */
export async function outcomeOf(call: Promise<unknown>): Promise<ErrorCode | "done"> {
  try {
    await call;
    return "done";
  } catch (error) {
    if (isCtlstoreError(error)) return error.code;
    throw error;
  }
}

/** Bytes that differ at every place from those of another seed, quickly. */
export function sampleBytes(length: number, seed = 1): Buffer {
  const block = Buffer.alloc(65_521);
  for (let i = 0; i < block.length; i++) block[i] = (i * 31 + (i >> 8) * 7 + seed) & 0xff;
  return Buffer.alloc(length, block);
}
