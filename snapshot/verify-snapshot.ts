/** Reads a whole snapshot out of its store and checks every length and checksum of its manifest, writing nothing. */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ByteDigest } from "../core/digest/byte-digest.ts";
import { CtlstoreError, isCtlstoreError, messageOf, quote } from "../core/errors.ts";
import { decompressorOf } from "./download/unpack.ts";
import type { SnapshotManifest } from "./manifest.ts";
import type { SnapshotStore } from "./stores/store.ts";

export interface VerifyOptions {
  readonly signal: AbortSignal;
  /** Called with the compressed bytes read so far. */
  readonly onProgress?: (bytes: number) => void;
}

/**
 * @throws CtlstoreError `snapshot_damaged`, `snapshot_not_found`, and what the store throws
 */
export async function verifySnapshot(
  store: SnapshotStore,
  manifest: SnapshotManifest,
  { signal, onProgress = () => {} }: VerifyOptions,
): Promise<void> {
  const { dataKey, compressed, plain } = manifest;
  const source = `${dataKey} of ${quote(store.url)}`;
  const object = await store.readObject(dataKey, { fromByte: 0, signal });
  if (object === null) {
    throw new CtlstoreError("snapshot_not_found", `Cannot use ${source}: it is not there`);
  }
  const outer = new ByteDigest();
  const inner = new ByteDigest();
  const failed = (what: string, cause?: unknown) =>
    new CtlstoreError(
      "snapshot_damaged",
      `Cannot use ${source}: ${what}`,
      cause === undefined ? {} : { cause },
    );
  try {
    await pipeline(
      Readable.from(measured(object.body, outer, onProgress)),
      decompressorOf(compressed.algorithm),
      async (chunks: AsyncIterable<Uint8Array>) => {
        for await (const chunk of chunks) {
          inner.add(chunk);
          if (inner.bytes > plain.bytes) throw failed("it holds more than its manifest says");
        }
      },
      { signal },
    );
  } catch (error) {
    signal.throwIfAborted();
    if (isCtlstoreError(error)) throw error;
    throw failed(messageOf(error), error);
  }
  if (!outer.is(compressed)) throw failed("its compressed bytes are not those of its manifest");
  if (!inner.is(plain)) throw failed("its database is not that of its manifest");
}

async function* measured(
  body: AsyncIterable<Uint8Array>,
  measure: ByteDigest,
  onProgress: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    measure.add(chunk);
    onProgress(measure.bytes);
    yield chunk;
  }
}
