/** How operations of both stores end: what they say in the same words, and what an error turns into. */
import { CtlstoreError, type ErrorCode, quote } from "../../core/errors.ts";
import { STORE_LIMITS } from "../../core/limits.ts";
import type { WriteCondition } from "./store.ts";

/** What an error of a store's own kind stands for. */
export interface Meaning {
  readonly code: ErrorCode;
  readonly hint: string;
}

/** Runs one operation: an abort ends in the signal's reason, and other errors say what was tried. */
export async function runOperation<T>(
  signal: AbortSignal,
  operation: () => Promise<T>,
  explain: (error: unknown) => CtlstoreError,
): Promise<T> {
  signal.throwIfAborted();
  try {
    return await operation();
  } catch (error) {
    signal.throwIfAborted();
    throw explain(error);
  }
}

/** The condition of a write is not met. */
export function conflict(key: string, url: string, condition: WriteCondition): CtlstoreError {
  const state =
    condition.kind === "absent" ? "it is there already" : "it is no longer the one that was read before";
  return new CtlstoreError("snapshot_conflict", `Cannot write ${quote(key)} in ${url}: ${state}`);
}

/** The object that was being read is another one by now. */
export function replaced(key: string, url: string): CtlstoreError {
  return new CtlstoreError(
    "snapshot_conflict",
    `Cannot read on in ${quote(key)} of ${url}: it is no longer the object that was read before`,
  );
}

/** A document that no version of ctlstore writes. */
export function tooLarge(key: string, url: string, bytes: number): CtlstoreError {
  return new CtlstoreError(
    "snapshot_damaged",
    `Cannot use ${quote(key)} of ${url}: it has ${bytes} bytes; a document has at most ${STORE_LIMITS.documentBytes}`,
  );
}
