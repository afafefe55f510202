/**
 * Writes a document under a condition when answers may be lost.
 *
 * A write that was repeated after a lost answer is refused because of its own first attempt. So a refusal is settled by
 * reading back: what is there and has our bytes is ours, since content is unique. Only then is it somebody else's.
 */
import { PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { isCtlstoreError } from "../../../core/errors.ts";
import { createBackoff } from "../../../core/process/backoff.ts";
import type { Clock } from "../../../core/process/clock.ts";
import { conflict } from "../outcomes.ts";
import type { SnapshotStore, WriteCondition, WriteOptions } from "../store.ts";
import { isRace, isUnmetCondition, s3Error } from "./errors.ts";
import type { S3Limits } from "./settings.ts";

export interface ConditionalWrite {
  readonly key: string;
  readonly place: { readonly Bucket: string; readonly Key: string };
  readonly bytes: Uint8Array;
  readonly options: WriteOptions;
}

export interface ConditionalWriteDeps {
  readonly store: Pick<SnapshotStore, "url" | "readDocument">;
  /** One that does not repeat anything by itself. */
  readonly client: S3Client;
  readonly clock: Clock;
  readonly limits: S3Limits;
  readonly quotedTags: boolean;
}

/** @throws CtlstoreError `snapshot_conflict`, or the SDK's error of the last attempt */
export async function writeUnderCondition(
  write: ConditionalWrite,
  deps: ConditionalWriteDeps,
): Promise<string> {
  const { signal, condition } = write.options;
  const { base, max } = deps.limits.conditionalBackoffMs;
  const backoff = createBackoff({ baseMs: base, maxMs: max });
  for (;;) {
    try {
      return await putOnce(write, deps);
    } catch (error) {
      signal.throwIfAborted();
      if (isUnmetCondition(error)) {
        const version = await versionOfOurs(write, deps);
        if (version === null) throw conflict(write.key, deps.store.url, condition);
        return version;
      }
      const mayRepeat = isRace(error) || s3Error("write", error).code === "snapshot_store_unavailable";
      if (!mayRepeat) throw error;
      if (backoff.attempts + 1 >= deps.limits.conditionalAttempts)
        return await lastResort(write, deps, error);
    }
    await deps.clock.sleep(backoff.nextMs(), signal);
  }
}

async function putOnce(write: ConditionalWrite, deps: ConditionalWriteDeps): Promise<string> {
  const { place, bytes, options } = write;
  const command = new PutObjectCommand({
    ...place,
    Body: bytes,
    ContentType: options.contentType,
    ...headersOf(options.condition, deps.quotedTags),
  });
  const { ETag } = await deps.client.send(command, { abortSignal: options.signal });
  if (ETag === undefined) throw new Error("the server's answer to a write has no ETag");
  return ETag;
}

function headersOf(
  condition: WriteCondition,
  quotedTags: boolean,
): { readonly IfNoneMatch: string } | { readonly IfMatch: string } {
  if (condition.kind === "absent") return { IfNoneMatch: "*" };
  const { version } = condition;
  return { IfMatch: quotedTags ? version : version.replace(/^"|"$/g, "") };
}

/** The version of the object when it has our bytes. */
async function versionOfOurs(write: ConditionalWrite, deps: ConditionalWriteDeps): Promise<string | null> {
  const found = await deps.store.readDocument(write.key, write.options.signal);
  return found !== null && Buffer.compare(found.bytes, write.bytes) === 0 ? found.version : null;
}

/** No attempt was answered: the object may have been written all the same. */
async function lastResort(
  write: ConditionalWrite,
  deps: ConditionalWriteDeps,
  error: unknown,
): Promise<string> {
  try {
    const version = await versionOfOurs(write, deps);
    if (version !== null) return version;
  } catch (readError) {
    if (!isCtlstoreError(readError)) throw readError;
    // It cannot be asked either: the first error says why.
  }
  throw error;
}
