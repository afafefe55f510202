/**
 * Quoting of identifiers.
 *
 * Ledger statements use double quotes, as the original does. Reads use backticks: SQLite takes a double-quoted name
 * that is not a column for a string, so `SELECT "gone"` would answer "gone" instead of failing.
 */

/** `"name"`, for ledger statements and for MySQL under ANSI_QUOTES. */
export function doubleQuoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** `` `name` ``, for every read of SQLite and for MySQL in any mode. */
export function backtickQuoted(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}
