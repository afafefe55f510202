/**
 * The compressed bytes of a snapshot that have come so far: `<work folder>/<SHA-256>.part`.
 *
 * A process that dies leaves them, and the next one goes on from there. After a power cut they may be anything: they are
 * hashed again together with the rest, so nothing is believed because it was on the disk.
 */
import { readdirSync, rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";

const SUFFIX = ".part";

export class PartFile implements AsyncDisposable {
  readonly #handle: FileHandle;
  readonly #path: string;
  #bytes: number;

  private constructor(path: string, handle: FileHandle, bytes: number) {
    this.#path = path;
    this.#handle = handle;
    this.#bytes = bytes;
  }

  /** Opens the part of one object, creating it when missing, and removes those of others. */
  static async open(folder: string, sha256: string): Promise<PartFile> {
    const name = `${sha256}${SUFFIX}`;
    for (const other of readdirSync(folder)) {
      if (other.endsWith(SUFFIX) && other !== name) rmSync(join(folder, other), { force: true });
    }
    const path = join(folder, name);
    const handle = await open(path, "a+");
    return new PartFile(path, handle, (await handle.stat()).size);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** What is there, in chunks. Nothing may be appended meanwhile. */
  async *chunks(chunkBytes: number): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < this.#bytes; ) {
      const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, this.#bytes - at));
      const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) return; // somebody has cut it: the checksum will tell
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  }

  async append(chunk: Uint8Array): Promise<void> {
    for (let written = 0; written < chunk.length; ) {
      const { bytesWritten } = await this.#handle.write(chunk, written, chunk.length - written);
      written += bytesWritten;
      this.#bytes += bytesWritten;
    }
  }

  async clear(): Promise<void> {
    await this.#handle.truncate(0);
    this.#bytes = 0;
  }

  remove(): void {
    rmSync(this.#path, { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}
