/**
 * Compresses a file into one or two others in a single pass, hashing what goes in and what comes out.
 *
 * Memory is bounded by a few chunks: a chunk is read only when every compressor has taken the one before.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream, createWriteStream } from "node:fs";
import { Transform, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createGzip, createZstdCompress } from "node:zlib";
import { ByteDigest, type BytesSummary } from "../../core/digest/byte-digest.ts";
import type { Compression } from "../layout.ts";

const CHUNK_BYTES = 1024 * 1024;

export interface CompressedOutput {
  readonly path: string;
  readonly algorithm: Compression;
  readonly level: number;
}

export interface CompressResult {
  readonly plain: BytesSummary;
  /** Base64, only where it was asked for: the original ctlstore's checksum. */
  readonly plainSha1: string | null;
  /** In the order of the outputs. */
  readonly outputs: readonly BytesSummary[];
}

export interface CompressOptions {
  readonly wantsSha1: boolean;
  readonly signal: AbortSignal;
  /** Called with the plain bytes read so far. */
  readonly onProgress: (bytes: number) => void;
}

/**
 * Compresses `source` into each output. They are not made durable: they are gone after a crash anyway, and the disk is
 * the Reflector's.
 */
export async function compressFile(
  source: string,
  outputs: readonly CompressedOutput[],
  { wantsSha1, signal, onProgress }: CompressOptions,
): Promise<CompressResult> {
  const plain = new ByteDigest();
  const sha1 = wantsSha1 ? createHash("sha1") : null;
  const sinks = outputs.map((output) => new Sink(output, signal));
  try {
    for await (const chunk of createReadStream(source, { highWaterMark: CHUNK_BYTES, signal })) {
      plain.add(chunk);
      sha1?.update(chunk);
      await Promise.all(sinks.map((sink) => sink.write(chunk)));
      onProgress(plain.bytes);
    }
    const results = await Promise.all(sinks.map((sink) => sink.finish()));
    return { plain: plain.summary(), plainSha1: sha1?.digest("base64") ?? null, outputs: results };
  } catch (error) {
    await Promise.all(sinks.map((sink) => sink.abandon(error)));
    throw error;
  }
}

/** One compressor with the file behind it. */
class Sink {
  readonly #compressor: Transform;
  readonly #counter = new ByteDigest();
  readonly #written: Promise<void>;

  constructor(output: CompressedOutput, signal: AbortSignal) {
    this.#compressor = compressorOf(output);
    const counter = this.#counter;
    const count = new Transform({
      transform(chunk: Uint8Array, _encoding, done) {
        counter.add(chunk);
        done(null, chunk);
      },
    });
    this.#written = pipeline(this.#compressor, count, createWriteStream(output.path), { signal });
    this.#written.catch(() => {}); // whoever writes or finishes gets the rejection
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#compressor.write(chunk)) return;
    // A full disk ends the pipeline, and then nothing drains.
    await Promise.race([once(this.#compressor, "drain"), this.#written]);
  }

  async finish(): Promise<BytesSummary> {
    this.#compressor.end();
    await this.#written;
    return this.#counter.summary();
  }

  async abandon(error: unknown): Promise<void> {
    (this.#compressor as Writable).destroy(error instanceof Error ? error : undefined);
    await this.#written.catch(() => {});
  }
}

function compressorOf({ algorithm, level }: CompressedOutput): Transform {
  return algorithm === "gzip"
    ? createGzip({ level })
    : createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: level } });
}
