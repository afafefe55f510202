/** What must hold for the answer to any request at all. */
import { ERROR_CODES } from "../../core/errors.ts";
import type { FuzzRequest } from "./fuzz-requests.ts";
import { misfit } from "./schema-fit.ts";

export interface FuzzAnswer {
  /** Null when the connection was closed without an answer. */
  readonly status: number | null;
  readonly headers: Headers;
  readonly text: string;
}

/** The table's size is over its limit, which a request before has set. */
const EXPLAINED: Readonly<Record<number, string>> = { 507: "table_full" };

/** Shorter ones may stand in an answer by chance. */
const SECRET_CHARS = 8;

/** What is wrong with an answer; none is right. */
export function problemsOf(request: FuzzRequest, answer: FuzzAnswer): string[] {
  const { status, headers, text } = answer;
  const problems: string[] = [];
  for (const secret of request.secrets) {
    if (secret.length >= SECRET_CHARS && text.includes(secret))
      problems.push("the answer holds a secret of the request");
  }
  if (status === null) return problems;
  if (status === 200 && request.method === request.operation.method) problems.push(...misfits(request, text));
  if (status < 400) return problems;
  const code = request.method === "HEAD" ? null : errorCodeOf(text, problems);
  if (request.method !== "HEAD" && headers.get("content-type")?.startsWith("application/json") !== true)
    problems.push("the error is not said to be JSON");
  if (
    ![404, 405].includes(status) &&
    request.method === request.operation.method &&
    !request.operation.statuses.includes(status)
  )
    problems.push(`the document does not say that it may answer ${status}`);
  if (status >= 500 && !(EXPLAINED[status] !== undefined && (code === null || EXPLAINED[status] === code)))
    problems.push(`status ${status}`);
  if (status === 429 && !/^\d+$/.test(headers.get("retry-after") ?? ""))
    problems.push("429 without Retry-After");
  if (status === 401 && headers.get("www-authenticate") === null)
    problems.push("401 without WWW-Authenticate");
  return problems;
}

function misfits({ operation }: FuzzRequest, text: string): string[] {
  if (operation.answer === null) return [];
  const place = misfit(operation.answer, JSON.parse(text));
  return place === null ? [] : [`the answer is not what the document says, at ${place}`];
}

function errorCodeOf(text: string, problems: string[]): string | null {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    problems.push("the error is not JSON");
    return null;
  }
  const { error, ...others } = (typeof body === "object" && body !== null ? body : {}) as {
    error?: { code?: unknown; message?: unknown };
  };
  const isKnown = ERROR_CODES.some((code) => code === error?.code);
  if (!isKnown || typeof error?.message !== "string" || Object.keys(others).length > 0) {
    problems.push("the error is not of the documented form");
    return null;
  }
  return String(error.code);
}
