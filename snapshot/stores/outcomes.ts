/** What both stores say in the same words, each about an object that is not what it should be. */
import { CtlstoreError, quote } from "../../core/errors.ts";
import { STORE_LIMITS } from "../../core/limits.ts";
import type { WriteCondition } from "./store.ts";

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
