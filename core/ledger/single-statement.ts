/**
 * Tells whether a text is exactly one SQL statement (I7).
 *
 * SQLite drivers disagree about `a; b`: some run both, some run `a` and drop `b` without a word. All of them stop at a
 * NUL. So both are refused, and so is a text with no statement in it at all.
 */

/** SQLite's white space; JavaScript's `trim` knows more of it. */
const BLANK = /^[ \t\n\f\r]*$/;

/** True when there is one statement, and nothing but white space follows the `;` that ends it, if one does. */
export function isSingleStatement(sql: string): boolean {
  if (sql.includes("\u0000")) return false;
  // Nearly every ledger statement begins with a letter and has no semicolon at all, and indexOf is a memchr.
  if (/^[A-Za-z]/.test(sql) && !sql.includes(";")) return true;
  const { end, hasContent } = firstStatement(sql);
  return hasContent && BLANK.test(sql.slice(end + 1));
}

/** Where the first `;` outside quotes and comments stands, and whether anything but blanks and comments precedes it. */
function firstStatement(sql: string): { readonly end: number; readonly hasContent: boolean } {
  let at = 0;
  let hasContent = false;
  while (at < sql.length) {
    const char = sql.charAt(at);
    if (char === ";") break;
    if (char === "-" && sql[at + 1] === "-") at = skipTo(sql, "\n", at + 2);
    else if (char === "/" && sql[at + 1] === "*") at = skipTo(sql, "*/", at + 2);
    else {
      hasContent ||= !BLANK.test(char);
      at = CLOSING.has(char) ? skipTo(sql, CLOSING.get(char) ?? char, at + 1) : at + 1;
    }
  }
  return { end: at, hasContent };
}

const CLOSING: ReadonlyMap<string, string> = new Map([
  ["'", "'"],
  ['"', '"'],
  ["`", "`"],
  ["[", "]"],
]);

/** Position after the closing mark. A doubled quote reopens the string at once, which comes to the same. */
function skipTo(sql: string, mark: string, from: number): number {
  const found = sql.indexOf(mark, from);
  return found < 0 ? sql.length : found + mark.length;
}
