/** As much of JSON Schema as the mapping's uses; a keyword that is not known here fails the test that meets it. */

export interface Schema {
  readonly $schema?: string;
  readonly title?: string;
  readonly description?: string;
  readonly examples?: readonly unknown[];
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly minItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

type Check = (schema: Schema, value: unknown) => boolean;

const CHECKS: { readonly [Keyword in keyof Required<Schema>]: Check } = {
  $schema: () => true,
  title: () => true,
  description: () => true,
  examples: () => true,
  type: ({ type = "" }, value) => typesOf(value).includes(type),
  const: (schema, value) => value === schema.const,
  enum: (schema, value) => schema.enum?.includes(value) === true,
  pattern: ({ pattern = "" }, value) => typeof value !== "string" || new RegExp(pattern, "u").test(value),
  minLength: ({ minLength = 0 }, value) => typeof value !== "string" || value.length >= minLength,
  minItems: ({ minItems = 0 }, value) => !Array.isArray(value) || value.length >= minItems,
  minimum: ({ minimum = 0 }, value) => typeof value !== "number" || value >= minimum,
  maximum: ({ maximum = 0 }, value) => typeof value !== "number" || value <= maximum,
  required: ({ required = [] }, value) =>
    !isObject(value) || required.every((name) => Object.hasOwn(value, name)),
  properties: ({ properties = {} }, value) =>
    !isObject(value) ||
    Object.entries(properties).every(
      ([name, member]) => !Object.hasOwn(value, name) || fits(member, value[name]),
    ),
  additionalProperties: ({ additionalProperties = true, properties = {} }, value) =>
    !isObject(value) ||
    Object.keys(value)
      .filter((name) => !Object.hasOwn(properties, name))
      .every((name) =>
        typeof additionalProperties === "boolean"
          ? additionalProperties
          : fits(additionalProperties, value[name]),
      ),
  items: ({ items = {} }, value) => !Array.isArray(value) || value.every((item) => fits(items, item)),
  anyOf: ({ anyOf = [] }, value) => anyOf.some((form) => fits(form, value)),
};

export function fits(schema: Schema, value: unknown): boolean {
  return Object.keys(schema).every((keyword) => {
    if (!Object.hasOwn(CHECKS, keyword)) throw new Error(`unknown keyword ${keyword}`);
    return CHECKS[keyword as keyof Schema](schema, value);
  });
}

function typesOf(value: unknown): string[] {
  if (value === null) return ["null"];
  if (Array.isArray(value)) return ["array"];
  return Number.isInteger(value) ? ["integer", "number"] : [typeof value];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
