/** Values as plain JSON can hold them: integers that a double would round become decimal strings (I12). */
import { NumberText } from "../exact-json.ts";

export function jsonSafeMembers(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [name, jsonSafe(value)]));
}

function jsonSafe(value: unknown): unknown {
  if (typeof value === "bigint") {
    return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  }
  if (value instanceof NumberText) return value.text;
  if (Array.isArray(value)) return value.map(jsonSafe);
  if (typeof value === "object" && value !== null) return jsonSafeMembers({ ...value });
  return value;
}
