/**
 * The demonstration's data: the registry of MIME types, as the package `mime-db` has it. The only file that knows it.
 *
 * Two tables: a row per type, and a row per extension and type, since several types may claim one extension.
 */
import registry from "mime-db";
import manifest from "mime-db/package.json" with { type: "json" };
import type { WriterMutation } from "../../client/index.ts";
import type { CreateTableBody } from "../../core/wire/bodies.ts";

export const MIME_FAMILY = "mime";

export const MIME_TABLES: Readonly<Record<"types" | "extensions", CreateTableBody>> = {
  types: {
    fields: [
      ["type", "string"],
      ["source", "string"],
      ["charset", "string"],
      ["compressible", "integer"],
    ],
    keyFields: ["type"],
  },
  extensions: {
    fields: [
      ["extension", "string"],
      ["type", "string"],
    ],
    keyFields: ["extension", "type"],
  },
};

/** Names this very data: a newer registry is loaded anew. */
export const MIME_EDITION = `mime-db ${manifest.version}`;

/** All rows, always in the same order, so that a position in it means the same after a restart. */
export function mimeRows(): WriterMutation[] {
  const entries = Object.entries(registry).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.flatMap(([type, { source, charset, compressible, extensions = [] }]): WriterMutation[] => [
    { table: "types", values: { type, source, charset, compressible } },
    ...extensions.map((extension) => ({ table: "extensions", values: { extension, type } })),
  ]);
}
