/**
 * Decompresses a snapshot into a file while it comes, and checks both sides of it against the manifest.
 *
 * Decompressing and writing run on threads of the runtime, hashing here: the three overlap. Never more is written than
 * the manifest says, whatever the stream holds.
 */
import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import type { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { CtlstoreError, isCtlstoreError, messageOf } from "../../core/errors.ts";
import { BOOTSTRAP_LIMITS } from "../../core/limits.ts";
import type { Compression } from "../layout.ts";
import type { SnapshotManifest } from "../manifest.ts";

const OUTPUT_CHUNK_BYTES = 1024 * 1024;

type Expected = Pick<SnapshotManifest, "plain" | "compressed" | "sequence">;

/**
 * Writes the plain file. It is complete and right when this resolves, and may still be on its way to the disk.
 * @throws CtlstoreError `snapshot_damaged`; what the source throws; the file system's errors
 */
export async function unpack(
  compressed: AsyncIterable<Uint8Array>,
  targetPath: string,
  { expected, signal }: { readonly expected: Expected; readonly signal: AbortSignal },
): Promise<void> {
  const decompressor = decompressorOf(expected.compressed.algorithm);
  const incoming = createHash("sha256");
  // "wx": nothing of an earlier attempt may shine through.
  await using target = await open(targetPath, "wx");
  const output = new PlainOutput(target, expected);
  let sourceFailure: { readonly error: unknown } | null = null;
  async function* source() {
    try {
      for await (const chunk of compressed) {
        incoming.update(chunk);
        yield chunk;
      }
    } catch (error) {
      sourceFailure = { error };
      throw error;
    }
  }
  try {
    await pipeline(source(), decompressor, (plain: AsyncIterable<Uint8Array>) => output.writeAll(plain), {
      signal,
    });
  } catch (error) {
    signal.throwIfAborted();
    // What came first is what is wrong; the rest of the pipeline fails because of it.
    const failure = sourceFailure as { readonly error: unknown } | null;
    throw failure === null ? toDamage(error, expected) : failure.error;
  }
  output.check();
  if (incoming.digest("hex") !== expected.compressed.sha256) {
    throw damaged(expected, "the checksum of its compressed bytes is another one");
  }
}

export function decompressorOf(algorithm: Compression): Transform {
  const chunkSize = OUTPUT_CHUNK_BYTES;
  return algorithm === "gzip" ? createGunzip({ chunkSize }) : createZstdDecompress({ chunkSize });
}

/** What comes out of the decompressor, on its way to the disk. */
class PlainOutput {
  readonly #target: FileHandle;
  readonly #expected: Expected;
  readonly #hash: Hash = createHash("sha256");
  #bytes = 0;
  #unsynced = 0;
  #syncing: Promise<unknown> | null = null;
  #syncFailure: { readonly error: unknown } | null = null;

  constructor(target: FileHandle, expected: Expected) {
    this.#target = target;
    this.#expected = expected;
  }

  async writeAll(plain: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const chunk of plain) {
        if (this.#bytes + chunk.length > this.#expected.plain.bytes) {
          throw damaged(this.#expected, `it holds more than ${this.#expected.plain.bytes} bytes`);
        }
        const written = this.#write(chunk);
        this.#hash.update(chunk);
        await written;
        this.#throwSyncFailure();
      }
    } finally {
      await this.#syncing;
    }
    this.#throwSyncFailure();
  }

  /** @throws CtlstoreError `snapshot_damaged` */
  check(): void {
    const { bytes, sha256 } = this.#expected.plain;
    if (this.#bytes !== bytes)
      throw damaged(this.#expected, `it holds ${this.#bytes} bytes in place of ${bytes}`);
    if (this.#hash.digest("hex") !== sha256)
      throw damaged(this.#expected, "the checksum of its database is another one");
  }

  async #write(chunk: Uint8Array): Promise<void> {
    for (let written = 0; written < chunk.length; ) {
      const { bytesWritten } = await this.#target.write(chunk, written, chunk.length - written);
      written += bytesWritten;
    }
    this.#bytes += chunk.length;
    this.#unsynced += chunk.length;
    if (this.#unsynced >= BOOTSTRAP_LIMITS.syncEveryBytes && this.#syncing === null) this.#startSync();
  }

  /**
   * To keep the disk busy. The kernel says once what it could not write: the fsync of all, at the end, would not hear of
   * it again.
   */
  #startSync(): void {
    this.#unsynced = 0;
    this.#syncing = this.#target
      .datasync()
      .catch((error) => {
        this.#syncFailure ??= { error };
      })
      .finally(() => {
        this.#syncing = null;
      });
  }

  #throwSyncFailure(): void {
    if (this.#syncFailure !== null) throw this.#syncFailure.error;
  }
}

/** A stream that cannot be decompressed is damage; a disk that cannot be written is not. */
function toDamage(error: unknown, expected: Expected): unknown {
  if (isCtlstoreError(error)) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const isOfFile = error instanceof Error && "syscall" in error && error.syscall !== undefined;
  if (isOfFile || /^E[A-Z]+$/.test(code)) return error;
  return damaged(expected, messageOf(error), error);
}

function damaged({ sequence }: Expected, what: string, cause?: unknown): CtlstoreError {
  return new CtlstoreError(
    "snapshot_damaged",
    `Cannot use the snapshot of sequence ${sequence}: ${what}`,
    cause === undefined ? {} : { cause },
  );
}
