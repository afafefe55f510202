/**
 * What turns a valibot schema into the check of a request body.
 *
 * A body that does not fit is refused with our own error, which names the place and the need and quotes at most a
 * short piece of what was sent. This folder is the only one that knows valibot.
 */
import * as v from "valibot";
import { CtlstoreError, type ErrorDetails, quote } from "../errors.ts";

/** True for what a JSON object parses to: not an array, not null, not a number kept as text. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/**
 * An object with any members, each kept.
 *
 * Not `v.record`: it drops members named `constructor` or `prototype` without a word, and both are valid field names.
 */
export const anyMembers = v.custom<Record<string, unknown>>(isJsonObject, "an object");

/**
 * The schema as a Standard Schema whose `validate` throws `malformed_request` instead of returning issues, so that no
 * framework gets to word the answer, or to print the value.
 *
 * @param form "object" or "array": looked at first, since valibot takes an empty array for an empty object
 */
export function asBody<Schema extends v.GenericSchema>(schema: Schema, form: "object" | "array"): Schema {
  const validate = (value: unknown): { value: unknown } => {
    const fits = form === "array" ? Array.isArray(value) : isJsonObject(value);
    if (!fits) throw malformed(`it is ${quote(value)}; it needs to be an ${form}`);
    const result = v.safeParse(schema, value, { abortEarly: true });
    if (!result.success) throw refusal(result.issues[0]);
    return { value: result.output };
  };
  return { ...schema, "~standard": { ...schema["~standard"], validate } };
}

function malformed(reason: string, details: ErrorDetails = {}): CtlstoreError {
  return new CtlstoreError("malformed_request", `Cannot read the body: ${reason}`, details);
}

function refusal(issue: v.BaseIssue<unknown>): CtlstoreError {
  const path = issue.path ?? [];
  const place = pathText(path);
  const [list, position] = path;
  const details =
    list?.key === "mutations" && typeof position?.key === "number" ? { index: position.key } : {};
  if (issue.type === "strict_object" && issue.expected === "never") {
    return malformed(`it has a member ${place} that means nothing here`, details);
  }
  if (issue.input === undefined) return malformed(`${place} is missing`, details);
  const needed = issue.kind === "schema" && issue.type !== "custom" ? issue.expected : issue.message;
  return malformed(`${place} is ${quote(issue.input)}; it needs to be ${needed ?? issue.message}`, details);
}

/** `mutations[3].table`; a name that the sender made up is quoted. */
function pathText(path: readonly v.IssuePathItem[]): string {
  let text = "";
  for (const { key } of path) {
    if (typeof key === "number") text += `[${key}]`;
    else
      text += `${text === "" ? "" : "."}${/^\w{1,64}$/.test(String(key)) ? String(key) : quote(String(key))}`;
  }
  return text === "" ? "the whole" : text;
}
