/** The wire schemas as JSON Schema, for the OpenAPI document. */
import { type JsonSchema, toJsonSchema } from "@valibot/to-json-schema";
import type { GenericSchema } from "valibot";
import { isNumberOrText } from "./integers.ts";

/** What a custom schema's own check takes, where that is not an object with any members. */
const CUSTOM_FORMS: ReadonlyMap<unknown, JsonSchema> = new Map([
  [isNumberOrText, { anyOf: [{ type: "integer", minimum: 0 }, { type: "string" }] }],
]);

function customForm(schema: object): JsonSchema {
  const check = "check" in schema ? schema.check : undefined;
  return CUSTOM_FORMS.get(check) ?? { type: "object", additionalProperties: true };
}

/** JSON Schema of a wire schema. */
export function wireJsonSchema(schema: GenericSchema): JsonSchema {
  const { $schema: _, ...jsonSchema } = toJsonSchema(schema, {
    errorMode: "ignore",
    overrideSchema: ({ valibotSchema, jsonSchema }) =>
      valibotSchema.type === "custom" ? customForm(valibotSchema) : jsonSchema,
  });
  return jsonSchema;
}
