/** Values that fit a JSON Schema of the API's document, as chance has it. */
import type { JsonSchema } from "./api-document.ts";

export interface SampleDeps {
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  /** A text for the member of this name; what it returns is taken as it is. */
  readonly textFor: (name: string) => string;
}

export function sampleOf(schema: JsonSchema, deps: SampleDeps, name = ""): unknown {
  const { random } = deps;
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined) return sampleOf(pick(options, random) ?? {}, deps, name);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return pick(schema.enum, random);
  if (schema.examples !== undefined && random() < 0.3) return structuredClone(pick(schema.examples, random));
  const types = typeof schema.type === "string" ? [schema.type] : schema.type;
  switch (types === undefined ? "object" : pick(types, random)) {
    case "string":
      return deps.textFor(name);
    case "integer":
      return Math.floor(random() * 1000);
    case "number":
      return random() < 0.7 ? Math.floor(random() * 1000) : random() * 1e6;
    case "boolean":
      return random() < 0.5;
    case "null":
      return null;
    case "array":
      return arrayOf(schema, deps, name);
    default:
      return objectOf(schema, deps);
  }
}

function arrayOf(schema: JsonSchema, deps: SampleDeps, name: string): unknown[] {
  if (schema.prefixItems !== undefined)
    return schema.prefixItems.map((item, i) => sampleOf(item, deps, `${name}.${i}`));
  const { items } = schema;
  const length = Math.floor(deps.random() * 4);
  return items === undefined ? [] : Array.from({ length }, () => sampleOf(items, deps, name));
}

function objectOf(schema: JsonSchema, deps: SampleDeps): Record<string, unknown> {
  const members = Object.entries(schema.properties ?? {}).filter(
    ([name]) => schema.required?.includes(name) === true || deps.random() < 0.6,
  );
  return Object.fromEntries(members.map(([name, member]) => [name, sampleOf(member, deps, name)]));
}

export function pick<T>(list: readonly T[], random: () => number): T | undefined {
  return list[Math.floor(random() * list.length)];
}
