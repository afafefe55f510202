/**
 * Uploads a file, in parts when it is large, whole or not at all.
 *
 * The first part that fails ends the others, and S3 is told to drop them; what a killed process leaves is found by
 * `removeUnfinished`.
 */
import { type FileHandle, open } from "node:fs/promises";
import { Readable } from "node:stream";
import { AbortMultipartUploadCommand, type S3Client } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { reading, sourceUnavailable } from "../file-atomic.ts";
import type { UploadOptions } from "../store.ts";
import type { S3Limits } from "./settings.ts";

const CHUNK_BYTES = 256 * 1024;

export interface UploadTarget {
  readonly client: S3Client;
  /** The key has the store's prefix. */
  readonly place: { readonly Bucket: string; readonly Key: string };
  readonly limits: S3Limits;
}

/** @throws CtlstoreError `ldb_unavailable` when the file cannot be read, or changes meanwhile; and the SDK's errors */
export async function uploadInParts(
  path: string,
  target: UploadTarget,
  options: UploadOptions,
): Promise<void> {
  const { contentType, metadata, onProgress } = options;
  const { place, limits } = target;
  await using file = await reading(path, () => open(path, "r"));
  const { size } = await reading(path, () => file.stat());
  const partBytes = partBytesOf(size, limits);
  const failure = new AbortController();
  const upload = new Upload({
    client: limitedClient(target, { partBytes, failure, signal: options.signal }),
    params: {
      ...place,
      Body: Readable.from(chunksOf(path, file, size)),
      ContentType: contentType,
      ...(metadata === undefined ? {} : { Metadata: { ...metadata } }),
    },
    partSize: partBytes,
    queueSize: limits.parts.atOnce,
  });
  if (onProgress !== undefined) upload.on("httpUploadProgress", ({ loaded = 0 }) => onProgress(loaded));
  try {
    await upload.done();
  } catch (error) {
    // The first failure is the reason; those that it ended say only that.
    throw failure.signal.aborted ? failure.signal.reason : error;
  }
}

/** Parts as small as the limits allow: 10,000 must do for the whole. */
export function partBytesOf(size: number, { parts }: Pick<S3Limits, "parts">): number {
  return Math.max(parts.bytes, Math.ceil(size / parts.most));
}

/** In small chunks: the library copies them into parts, and a chunk as large as a part would be copied twice. */
async function* chunksOf(path: string, file: FileHandle, size: number): AsyncGenerator<Buffer> {
  for (let position = 0; position < size; ) {
    const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, size - position));
    const { bytesRead } = await reading(path, () => file.read(chunk, 0, chunk.length, position));
    if (bytesRead === 0) throw sourceUnavailable(path, `it ends at byte ${position} of ${size}`);
    position += bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}

/**
 * The client as the library is to use it: every request ends with the caller's signal and with the first failure, and
 * one with a body has the time of the slowest upload. The library by itself goes on with the parts that are left, and
 * would not wait for its clean-up after an abort.
 */
function limitedClient(
  { client, limits }: UploadTarget,
  {
    partBytes,
    failure,
    signal,
  }: { readonly partBytes: number; readonly failure: AbortController; readonly signal: AbortSignal },
): S3Client {
  const abortSignal = AbortSignal.any([signal, failure.signal]);
  const bytesOnTheirWay = partBytes * limits.parts.atOnce;
  const bodyMs = (bytesOnTheirWay / limits.slowestUploadBytesPerSecond) * 1000 + limits.answerMs;
  const send = async (command: Parameters<S3Client["send"]>[0]): Promise<unknown> => {
    if (command instanceof AbortMultipartUploadCommand) {
      // What cannot be told to S3 now is left to `removeUnfinished`; the failure that led here matters more.
      const enough = AbortSignal.timeout(limits.cleanUpMs);
      return client.send(command, { abortSignal: enough }).catch(() => null);
    }
    const hasBody = "Body" in command.input && command.input.Body !== undefined;
    try {
      return await client.send(command, { abortSignal, requestTimeout: hasBody ? bodyMs : limits.answerMs });
    } catch (error) {
      failure.abort(error);
      throw error;
    }
  };
  // All of the client but `send`, which the library calls with commands alone.
  return Object.create(client, { send: { value: send } }) as S3Client;
}
