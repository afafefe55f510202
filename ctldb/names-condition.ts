/** SQL that finds rows by names from outside. */
import { textLiteral } from "../core/sql/literals.ts";

const ASCII = /^[\u0000-\u007f]*$/;

/**
 * A condition on a column of names; the same text for every database.
 *
 * Tables of the original may have a character set that lacks letters of a name, and MySQL refuses to compare such a name
 * with the column: one request under a name that nobody has would fail the query for all who share it. So names beyond
 * ASCII are compared in the session's character set. That uses no index, but they are rare, and those tables small.
 */
export function isNamed(column: string, names: readonly string[]): string {
  const plain = names.filter((name) => ASCII.test(name));
  const others = names.filter((name) => !ASCII.test(name));
  const conditions = [
    ...(plain.length > 0 ? [`${column} IN (${literals(plain)})`] : []),
    ...(others.length > 0 ? [`CAST(${column} AS CHAR) IN (${literals(others)})`] : []),
  ];
  return conditions.length === 0 ? "1 = 0" : `(${conditions.join(" OR ")})`;
}

function literals(names: readonly string[]): string {
  return names.map(textLiteral).join(",");
}
