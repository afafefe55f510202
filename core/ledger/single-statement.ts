/**
 * Tells whether a text is exactly one SQL statement (I7).
 *
 * SQLite drivers disagree about `a; b`: some run both, some run `a` and drop `b` without a word. So it is refused.
 */

/** True when nothing but white space follows the first `;` that stands outside quotes and comments. */
export function isSingleStatement(sql: string): boolean {
  // Nearly every ledger statement has no semicolon at all, and indexOf is a memchr.
  if (!sql.includes(";")) return sql.trim() !== "";
  const end = endOfFirstStatement(sql);
  return end > 0 && sql.slice(end + 1).trim() === "";
}

function endOfFirstStatement(sql: string): number {
  let at = 0;
  while (at < sql.length) {
    const char = sql[at];
    if (char === ";") return at;
    if (char === "'" || char === '"' || char === "`") at = skipTo(sql, char, at + 1);
    else if (char === "[") at = skipTo(sql, "]", at + 1);
    else if (char === "-" && sql[at + 1] === "-") at = skipTo(sql, "\n", at + 2);
    else if (char === "/" && sql[at + 1] === "*") at = skipTo(sql, "*/", at + 2);
    else at += 1;
  }
  return sql.length;
}

/** Position after the closing mark. A doubled quote reopens the string at once, which comes to the same. */
function skipTo(sql: string, mark: string, from: number): number {
  const found = sql.indexOf(mark, from);
  return found < 0 ? sql.length : found + mark.length;
}
