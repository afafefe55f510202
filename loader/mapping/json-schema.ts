/** The mapping file's form as JSON Schema, so that an editor can complete and check it. */
import { type JsonSchema, toJsonSchema } from "@valibot/to-json-schema";
import { ColumnName, ColumnSource, ConstantSource, Fields, MappingDocument } from "./file.ts";

/**
 * JSON schema (draft 7) of a mapping file. It knows forms only; `ctlstore loader check` knows the rest.
 *
 * @example
 * writeFileSync("mapping.schema.json", JSON.stringify(mappingJsonSchema(), null, 2));
 */
export function mappingJsonSchema(): JsonSchema {
  const schema = toJsonSchema(MappingDocument, {
    errorMode: "ignore",
    overrideSchema: ({ valibotSchema, jsonSchema }) =>
      valibotSchema === Fields ? { type: "object", additionalProperties: fieldJsonSchema() } : jsonSchema,
  });
  return {
    ...schema,
    title: "Mapping of ctlstore loader",
    description: "Which tables of the origin go where, and how their columns become fields.",
  };
}

function fieldJsonSchema(): JsonSchema {
  const forms = [ColumnName, ColumnSource, ConstantSource].map((form) => {
    const { $schema: _, ...jsonSchema } = toJsonSchema(form, {
      errorMode: "ignore",
      // A bigint is an integer that JSON can write and a double cannot hold.
      overrideSchema: ({ valibotSchema, jsonSchema }) =>
        valibotSchema.type === "bigint" ? { type: "integer" } : jsonSchema,
    });
    return jsonSchema;
  });
  return { anyOf: forms };
}
