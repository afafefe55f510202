/** The wire schemas as JSON Schema, for the OpenAPI document. */
import { type JsonSchema, toJsonSchema } from "@valibot/to-json-schema";
import type { GenericSchema } from "valibot";

/** JSON Schema of a wire schema. */
export function wireJsonSchema(schema: GenericSchema): JsonSchema {
  const { $schema: _, ...jsonSchema } = toJsonSchema(schema, {
    errorMode: "ignore",
    overrideSchema: ({ valibotSchema, jsonSchema }) =>
      valibotSchema.type === "custom" ? { type: "object", additionalProperties: true } : jsonSchema,
  });
  return jsonSchema;
}
