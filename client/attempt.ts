/** What is known after one attempt to write: the distinction that makes retries safe. */
import type { CtlstoreError } from "../core/errors.ts";
import type { SequenceAnswer } from "../core/wire/answers.ts";
import { type ClientResult, errorOf, isErrorAnswer } from "./client-error.ts";

export type Attempt =
  | { readonly outcome: "applied"; readonly sequence: bigint }
  /** Nothing was changed, and trying the same again gives the same. */
  | { readonly outcome: "refused"; readonly error: CtlstoreError }
  /** Nothing was changed; the same may pass later. */
  | { readonly outcome: "not-now"; readonly error: CtlstoreError }
  /** No telling whether it was applied. */
  | { readonly outcome: "unknown"; readonly error: CtlstoreError };

export function classify(result: ClientResult<SequenceAnswer>): Attempt {
  const sequence = result.error === null ? result.data?.sequence : undefined;
  if (sequence !== undefined) return { outcome: "applied", sequence: BigInt(sequence) };
  const error = errorOf(result);
  if (result.response === undefined) return { outcome: "unknown", error };
  // A proxy's error, or a success that is not ours, says nothing about what the Executive did.
  if (!isErrorAnswer(result.error?.value)) {
    return { outcome: isRefusalOfProxy(result.status) ? "refused" : "unknown", error };
  }
  switch (error.code) {
    case "ctldb_unavailable":
    case "overloaded":
    case "request_timeout":
    case "rate_limited":
      return { outcome: "not-now", error };
    case "commit_outcome_unknown":
    case "internal":
      return { outcome: "unknown", error };
    default:
      return { outcome: "refused", error };
  }
}

/** 408 and 429 may pass later, and a 408 may come after the request was handed on. */
function isRefusalOfProxy(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}
