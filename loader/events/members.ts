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

/** The same members without some. */
export function membersWithout(members: Members, isLeftOut: (name: string) => boolean): Members {
  const others: Record<string, unknown> = {};
  for (const name in members) {
    if (isLeftOut(name)) continue;
    // Assigned, a column that is called so would become the prototype.
    if (name === "__proto__") Object.defineProperty(others, name, { ...OWN, value: members[name] });
    else others[name] = members[name];
  }
  return others;
}

const OWN = { configurable: true, enumerable: true, writable: true } as const;
