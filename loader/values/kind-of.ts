/**
 * Decides what a column's values are, once per column: from the event's schema where it has one, else from the mapping.
 */
import { encodingOf } from "./column-facts.ts";
import type { ColumnKind } from "./column-kind.ts";
import type { ColumnRules } from "./column-rules.ts";
import type { ConnectType } from "./connect-type.ts";
import { kindByMapping } from "./kind-by-mapping.ts";
import { kindBySchema } from "./kind-by-schema.ts";
import { originColumn } from "./origin-column.ts";

/** @throws CtlstoreError `mapping_invalid` when the mapping names a type that no column has */
export function columnKind(type: ConnectType | null, rules: ColumnRules): ColumnKind {
  const column = originColumn(type, rules);
  if (type !== null) return kindBySchema(type, column, rules) ?? unknownKind(rules);
  if (column !== null) return kindByMapping(column, rules);
  if (rules.scale !== null && rules.decimal === "precise")
    return { is: "decimal", scale: rules.scale, precision: null };
  return unknownKind(rules);
}

function unknownKind(rules: ColumnRules): ColumnKind {
  return {
    is: "unknown",
    encoded: encodingOf(rules) ?? "base64",
    mayBePreciseDecimal: rules.decimal === "precise" || rules.bigintUnsigned === "precise",
  };
}
