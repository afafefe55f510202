/** Tells whether a value is what a JSON Schema of the API's document says. */
import type { JsonSchema } from "./api-document.ts";

/** The path to the first place that does not fit; null when all does. */
export function misfit(schema: JsonSchema, value: unknown, path = "$"): string | null {
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined)
    return options.some((option) => misfit(option, value, path) === null) ? null : path;
  if (schema.const !== undefined && schema.const !== value) return path;
  if (schema.enum !== undefined && !schema.enum.includes(value)) return path;
  const types = typeof schema.type === "string" ? [schema.type] : schema.type;
  if (types !== undefined && !types.some((type) => isOfType(type, value))) return path;
  if (Array.isArray(value)) return misfitInArray(schema, value, path);
  if (typeof value === "object" && value !== null)
    return misfitInObject(schema, value as Record<string, unknown>, path);
  return null;
}

function isOfType(type: string, value: unknown): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    case "integer":
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

function misfitInArray(
  { items, prefixItems }: JsonSchema,
  list: readonly unknown[],
  path: string,
): string | null {
  for (const [i, item] of list.entries()) {
    const schema = prefixItems?.[i] ?? items;
    const found = schema === undefined ? null : misfit(schema, item, `${path}[${i}]`);
    if (found !== null) return found;
  }
  return null;
}

/** A member that the document does not have is a misfit too. */
function misfitInObject(
  { properties, required }: JsonSchema,
  object: Record<string, unknown>,
  path: string,
): string | null {
  const missing = required?.find((name) => !Object.hasOwn(object, name));
  if (missing !== undefined) return `${path}.${missing}`;
  if (properties === undefined) return null;
  for (const [name, member] of Object.entries(object)) {
    const schema = Object.hasOwn(properties, name) ? properties[name] : undefined;
    const found = schema === undefined ? `${path}.${name}` : misfit(schema, member, `${path}.${name}`);
    if (found !== null) return found;
  }
  return null;
}
