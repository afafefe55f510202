/** Asks a service for its status document, for a limited time. */
import { connectionProblem } from "../../client/connection-problem.ts";
import { messageOf } from "../../core/errors.ts";
import { parseExactJson } from "../../core/exact-json.ts";
import { STATUS_LIMITS } from "../../core/limits.ts";
import type { FetchLike } from "../../core/process/fetch/fetch-like.ts";
import type { Reach } from "../../core/process/fetch/reach.ts";
import { type Document, documentIn, problemIn } from "./document.ts";
import { type PartLook, type Problem, part, problem } from "./part.ts";

export interface AskOptions {
  readonly timeoutSeconds: number;
  /** Ends it at once. */
  readonly signal: AbortSignal;
}

/** A service that was named, or that may be at its usual place. */
export interface Target {
  readonly address: string;
  readonly way: Reach;
  /** When it was not named and nobody answers there, nothing is said. */
  readonly isNamed: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Document;
}

/** What was asked, or why there is no answer. */
export type Asked = { readonly answer: Answer } | { readonly problem: Problem };

/** `fetch` with an end. */
export function fetchWithin(fetchLike: FetchLike, { timeoutSeconds, signal }: AskOptions): FetchLike {
  return (input, init) => {
    const signals = [
      signal,
      AbortSignal.timeout(1000 * timeoutSeconds),
      ...(init?.signal ? [init.signal] : []),
    ];
    return fetchLike(input, { ...init, signal: AbortSignal.any(signals) });
  };
}

export async function ask({ way }: Target, path: string, options: AskOptions): Promise<Asked> {
  try {
    const response = await fetchWithin(way.fetch ?? fetch, options)(`${way.url}${path}`);
    const { status, headers } = response;
    const body = documentIn(parseExactJson(await boundedText(response)));
    if (body === null) return { problem: notAService(status) };
    return { answer: { status, headers, body } };
  } catch (error) {
    if (error instanceof SyntaxError) return { problem: notAService(null) };
    return { problem: problemOfError(error, options) };
  }
}

/** The problem that an answer of this status holds, if it is one. */
export function problemOf({ status, body }: Answer): Problem | null {
  if (status < 400) return null;
  return problemIn(body["error"]) ?? problem(`It answers with status ${status}`);
}

/** A service that gave no answer; null where nobody asked for it. */
export function unreached(name: string, { address, isNamed }: Target, found: Problem): PartLook | null {
  if (!isNamed) return null;
  return part({ part: name, where: address, health: "unwell", state: "not reached", problems: [found] });
}

/** A service that was reached, and answers that it does not. */
export function refused(name: string, { address }: Target, refusal: Problem): PartLook {
  return part({ part: name, where: address, health: "unwell", state: "refuses", problems: [refusal] });
}

function problemOfError(error: unknown, { timeoutSeconds }: AskOptions): Problem {
  const isLate = error instanceof Error && error.name === "TimeoutError";
  const { reason, hint } = connectionProblem(error) ?? {
    reason: isLate ? `no answer within ${timeoutSeconds} s` : messageOf(error),
  };
  return problem(`Cannot reach it: ${reason}`, { hint: hint ?? "is it the right address, and does it run?" });
}

/** @param status null when it was one of success */
export function notAService(status: number | null): Problem {
  const what =
    status === null ? "something that is no status document" : `status ${status} and no status document`;
  return problem(`It answers with ${what}`, { hint: "is it a service of ctlstore, of this kind?" });
}

/** Whatever listens there may send without end. */
async function boundedText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > STATUS_LIMITS.documentBytes) throw new SyntaxError("no end of the document");
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
