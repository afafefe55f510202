/** A CtlstoreError as HTTP has it: the one JSON form of docs/http-api.md, and its headers. */
import type { CtlstoreError } from "../errors.ts";
import type { ErrorAnswer } from "./answers.ts";

const DEFAULT_RETRY_AFTER_SECONDS = 1;

/** @param requestId of a defect of ours, under which the log has its reason */
export function errorBody(error: CtlstoreError, requestId?: string): ErrorAnswer {
  const { index, field, hint } = error.details;
  return {
    error: {
      code: error.code,
      message: error.message,
      ...(index === undefined ? {} : { index }),
      ...(field === undefined ? {} : { field }),
      ...(hint === undefined ? {} : { hint }),
      ...(requestId === undefined ? {} : { requestId }),
    },
  };
}

export function errorHeaders(error: CtlstoreError, status: number): Record<string, string> {
  if (status === 401) return { "www-authenticate": "Bearer" };
  if (status === 429 || status === 503) {
    return {
      "retry-after": String(Math.ceil(error.details.retryAfterSeconds ?? DEFAULT_RETRY_AFTER_SECONDS)),
    };
  }
  // The rest of the body is still on its way: it must not be taken for the next request.
  if (error.code === "request_too_large" || error.code === "request_timeout") return { connection: "close" };
  return {};
}
