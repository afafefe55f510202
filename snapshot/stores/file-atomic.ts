/**
 * Files that appear whole or not at all, durably: written under a hidden name in the same folder, synced, renamed, and
 * the folder synced. What a crash leaves is told by its name.
 */
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { CtlstoreError, messageOf, quote } from "../../core/errors.ts";
import { STORE_LIMITS } from "../../core/limits.ts";
import type { UploadOptions } from "./store.ts";

const UNFINISHED = ".unfinished-";

/** True for a file that a writer has not finished, or never will. */
export function isUnfinished(path: string): boolean {
  return basename(path).startsWith(UNFINISHED);
}

export function writeIntoPlace(path: string, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  return putIntoPlace(path, signal, (file) => writeAll(file, bytes));
}

/** @throws CtlstoreError `ldb_unavailable` when the source cannot be read, or changes meanwhile */
export async function copyIntoPlace(source: string, path: string, options: UploadOptions): Promise<void> {
  const { signal } = options;
  await using from = await reading(source, () => open(source, "r"));
  const { size } = await reading(source, () => from.stat());
  await putIntoPlace(path, signal, async (file) => {
    const chunk = Buffer.allocUnsafe(STORE_LIMITS.fileChunkBytes);
    for (let copied = 0; copied < size; ) {
      signal.throwIfAborted();
      const wanted = Math.min(chunk.length, size - copied);
      const { bytesRead } = await reading(source, () => from.read(chunk, 0, wanted, copied));
      if (bytesRead === 0) throw sourceUnavailable(source, `it ends at byte ${copied} of ${size}`);
      await writeAll(file, chunk.subarray(0, bytesRead));
      copied += bytesRead;
      options.onProgress?.(copied);
    }
  });
}

async function putIntoPlace(
  path: string,
  signal: AbortSignal,
  write: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const unfinished = join(dirname(path), `${UNFINISHED}${crypto.randomUUID()}`);
  try {
    await using file = await open(unfinished, "wx", 0o644);
    await write(file);
    await file.sync();
    signal.throwIfAborted();
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
  await using folder = await open(dirname(path), "r");
  await folder.sync();
}

/** One call may take less than it was given: the disk is nearly full, or a signal came. */
async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written);
    written += bytesWritten;
  }
}

/** Does something with the source, whose errors are not the store's. */
export async function reading<T>(source: string, look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (cause) {
    throw sourceUnavailable(source, messageOf(cause), cause);
  }
}

export function sourceUnavailable(source: string, state: string, cause?: unknown): CtlstoreError {
  return new CtlstoreError(
    "ldb_unavailable",
    `Cannot read ${quote(source)} to store it: ${state}`,
    cause === undefined ? {} : { cause },
  );
}
