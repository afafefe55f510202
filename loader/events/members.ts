/** Reads members of parsed JSON objects whose shape is not known yet. */
import { NumberText } from "../../core/exact-json.ts";

export type Members = Readonly<Record<string, unknown>>;

/** True for a JSON object. */
export function isMembers(value: unknown): value is Members {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof NumberText)
  );
}

export function isMissing(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

/** For messages: what kind of JSON value this is. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "missing";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "bigint" || value instanceof NumberText) return "a number";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** Same members without some, whatever they are called: assignment would lose one that is called `__proto__`. */
export function membersWithout(members: Members, isLeftOut: (name: string) => boolean): Members {
  return Object.fromEntries(Object.entries(members).filter(([name]) => !isLeftOut(name)));
}
