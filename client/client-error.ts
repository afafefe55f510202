/** Answers of the Executive as typed errors. */
import { CtlstoreError, ERROR_CODES, type ErrorCode } from "../core/errors.ts";
import type { ErrorAnswer } from "../core/wire/answers.ts";
import { connectionProblem } from "./connection-problem.ts";

/** What the client makes of each request; both members are never set together. */
export interface ClientResult<Data> {
  readonly data: Data | null;
  readonly error: { readonly status: unknown; readonly value: unknown } | null;
  readonly status: number;
  /** Absent when there was no answer at all: the connection failed or was cut. */
  readonly response?: Response;
}

/**
 * The data of an answer.
 *
 * @example
 * const { families } = unwrap(await client.families.get());
 *
 * @throws CtlstoreError with the Executive's own code, or `ctldb_unavailable` when it could not be reached
 */
export function unwrap<Data>(result: ClientResult<Data>): NonNullable<Data> {
  if (result.error === null && result.data !== null && result.data !== undefined) return result.data;
  throw errorOf(result);
}

/** What a proxy means: that no Executive answers it, or its own limits. Others say that something is set up wrongly. */
const CODES_OF_PROXIES: Readonly<Record<number, ErrorCode>> = {
  408: "ctldb_unavailable",
  413: "request_too_large",
  429: "rate_limited",
  502: "ctldb_unavailable",
  503: "ctldb_unavailable",
  504: "ctldb_unavailable",
};

/** The error of an answer that has one. */
export function errorOf(result: ClientResult<unknown>): CtlstoreError {
  const { response, status } = result;
  if (response === undefined) {
    const cause = result.error?.value;
    const problem = connectionProblem(cause);
    const reason = problem?.reason ?? "the request had no answer";
    return new CtlstoreError("ctldb_unavailable", `Cannot reach the Executive: ${reason}`, {
      cause,
      ...(problem?.hint === undefined ? {} : { hint: problem.hint }),
    });
  }
  const body = result.error?.value;
  if (!isErrorAnswer(body)) {
    return new CtlstoreError(
      CODES_OF_PROXIES[status] ?? "internal",
      `Cannot understand the answer: status ${status} without an error of ctlstore`,
      { hint: "is there a proxy in between, or is this not an Executive?", ...retryAfter(response) },
    );
  }
  const { code, message, index, field, hint } = body.error;
  return new CtlstoreError(knownCode(code), message, {
    ...(index === undefined ? {} : { index }),
    ...(field === undefined ? {} : { field }),
    ...(hint === undefined ? {} : { hint }),
    ...retryAfter(response),
  });
}

/** True when the Executive itself worded this error, so that its code can be believed. */
export function isErrorAnswer(body: unknown): body is ErrorAnswer {
  if (typeof body !== "object" || body === null || !("error" in body)) return false;
  const { error } = body;
  if (typeof error !== "object" || error === null || !("code" in error) || !("message" in error))
    return false;
  return typeof error.code === "string" && typeof error.message === "string";
}

/** A newer Executive may know codes that this client does not. */
function knownCode(code: string): ErrorCode {
  return ERROR_CODES.find((known) => known === code) ?? "internal";
}

function retryAfter(response: Response): { retryAfterSeconds?: number } {
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? { retryAfterSeconds: seconds } : {};
}
