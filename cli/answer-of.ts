/** Answers of the typed client, with errors that say what only the command line knows. */
import { type ClientResult, unwrap } from "../client/client-error.ts";
import { type CtlstoreError, type ErrorDetails, isCtlstoreError } from "../core/errors.ts";

/**
 * Waits for an answer and takes its data.
 * @param executive where it was asked for, for the message when nobody answers there
 * @throws CtlstoreError with the Executive's own code, or `ctldb_unavailable` when it cannot be reached
 */
export async function answerOf<T>(
  executive: string,
  call: Promise<ClientResult<T>>,
): Promise<NonNullable<T>> {
  try {
    return unwrap(await call);
  } catch (error) {
    if (!isCtlstoreError(error)) throw error;
    throw error.with(hintFor(error, executive));
  }
}

/** What only the command line knows of an error. */
export function hintFor(error: CtlstoreError, executive: string): ErrorDetails {
  if (error.code === "bad_credentials") return { hint: "look at --admin-token, --writer and --secret" };
  if (error.details.hint !== undefined) return {};
  if (error.code === "ctldb_unavailable")
    return { hint: `does an Executive listen on ${executive}? --executive says where` };
  return {};
}
