/** Reading objects that are files: what a file is, a document whole, a large object in chunks. */
import type { BigIntStats } from "node:fs";
import { type FileHandle, readFile, stat } from "node:fs/promises";
import { STORE_LIMITS } from "../../core/limits.ts";
import { isMissing } from "./file-errors.ts";

export interface FileIdentity {
  readonly bytes: number;
  /** Another one whenever the file was replaced. */
  readonly version: string;
}

/** Null when it is not there, or no file. */
export async function identify(look: () => Promise<BigIntStats>): Promise<FileIdentity | null> {
  try {
    const facts = await look();
    if (!facts.isFile()) return null;
    return { bytes: Number(facts.size), version: `${facts.ino}-${facts.size}-${facts.mtimeNs}` };
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Null when there is no such file. @param onTooLarge says what to throw */
export async function readDocumentFile(
  path: string,
  onTooLarge: (bytes: number) => Error,
): Promise<Uint8Array | null> {
  const found = await identify(() => stat(path, { bigint: true }));
  if (found === null) return null;
  if (found.bytes > STORE_LIMITS.documentBytes) throw onTooLarge(found.bytes);
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** @throws Error when the file ends before `toByte` */
export async function* chunksOf(
  file: FileHandle,
  range: { readonly fromByte: number; readonly toByte: number; readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array> {
  for (let position = range.fromByte; position < range.toByte; ) {
    range.signal.throwIfAborted();
    const chunk = Buffer.allocUnsafe(Math.min(STORE_LIMITS.fileChunkBytes, range.toByte - position));
    const { bytesRead } = await file.read(chunk, 0, chunk.length, position);
    if (bytesRead === 0) throw new Error(`the file ends at byte ${position} of ${range.toByte}`);
    position += bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}
