/** What is wrong with a mapping: gathered, so that a person sees all of it at once. */
import { CtlstoreError } from "../../core/errors.ts";

export interface Problem {
  /** In the file: `tables[2].fields.price.from`. */
  readonly place: string;
  /** Goes on from the place: `is missing`, `is 3; it needs to be string`. */
  readonly what: string;
  readonly hint?: string;
}

/** Problems in one message; `loader check` has room for all. */
const SHOWN = 3;

export function problemText({ place, what }: Problem): string {
  return place === "" ? `it ${what}` : `${place} ${what}`;
}

const problemsByError = new WeakMap<Error, readonly Problem[]>();

/** @param name of the file, or of whatever the mapping is known by */
export function mappingInvalid(name: string, problems: readonly Problem[]): CtlstoreError {
  const shown = problems.slice(0, SHOWN).map(problemText);
  if (problems.length > SHOWN) shown.push(`and ${problems.length - SHOWN} more`);
  const hint = problems.find((problem) => problem.hint !== undefined)?.hint;
  const error = new CtlstoreError("mapping_invalid", `Cannot use the mapping ${name}: ${shown.join("; ")}`, {
    ...(hint === undefined ? {} : { hint }),
  });
  problemsByError.set(error, problems);
  return error;
}

/** All that an error of `mappingInvalid` is about; null for others. */
export function problemsOf(error: unknown): readonly Problem[] | null {
  return error instanceof Error ? (problemsByError.get(error) ?? null) : null;
}

/** One part of a place: a member that needs no quotes, or one that does. */
export function placeOf(path: readonly (string | number)[]): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (/^[$\w]{1,64}$/.test(part)) text += text === "" ? part : `.${part}`;
    else text += `[${JSON.stringify(part.length > 64 ? `${part.slice(0, 61)}...` : part)}]`;
  }
  return text;
}
