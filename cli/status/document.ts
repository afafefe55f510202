/**
 * Status documents of services, read as far as they can be understood: those of other versions lack members, or have
 * others, and the page must be there when everything else is in doubt.
 */
import { type Problem, problem } from "./part.ts";

export type Document = Readonly<Record<string, unknown>>;

/** Null for what is no object. */
export function documentIn(value: unknown): Document | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Document) : null; // any members
}

export function textIn(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

export function numberIn(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** A sequence as JSON has it: a number, or a decimal string where a double would round it. */
export function sequenceIn(value: unknown): bigint | null {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : null;
  return typeof value === "string" && /^\d{1,19}$/.test(value) ? BigInt(value) : null;
}

export function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A `reason` of a status document, or the `error` of an answer: `{code, message, hint}`. */
export function problemIn(value: unknown): Problem | null {
  const document = documentIn(value);
  const message = textIn(document?.["message"]);
  if (document === null || message === null) return null;
  return problem(message, { code: textIn(document["code"]), hint: textIn(document["hint"]) });
}
