/**
 * A guard against a defect of V8 (in Node 24 and 26, known as nodejs/node 63785): `JSON.parse` takes a member's name that is
 * written with an escape for another one that the same text begins with, once it has seen such an object before.
 *
 * Only names of columns with a quote, a backslash or a control character are written so. On a runtime with the defect an
 * event with such a column is refused: nobody can say what its columns are called.
 */

/** True where the runtime has the defect. */
export const misreadsEscapedNames: boolean = isMisread();

function isMisread(): boolean {
  JSON.parse('{"h":[],"\\\\":0}');
  return Object.keys(JSON.parse('{"h":1,"\\"":2}') as object)[1] !== '"';
}

/** What a text must have that names a member so; it may match within a string, too. */
const LOOKS_LIKE_ESCAPED_NAME = /\\.[^"\\]*"\s*:/;

/** True when a member's name is written with an escape, in valid JSON. */
export function hasEscapedName(text: string): boolean {
  if (!text.includes("\\") || !LOOKS_LIKE_ESCAPED_NAME.test(text)) return false;
  let start = text.indexOf('"');
  while (start >= 0) {
    const { end, isEscaped } = stringAt(text, start);
    if (isEscaped && isFollowedByColon(text, end)) return true;
    start = text.indexOf('"', end);
  }
  return false;
}

function stringAt(text: string, start: number): { readonly end: number; readonly isEscaped: boolean } {
  let isEscaped = false;
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at];
    if (char === '"') return { end: at + 1, isEscaped };
    if (char !== "\\") continue;
    isEscaped = true;
    at += 1;
  }
  return { end: text.length, isEscaped };
}

function isFollowedByColon(text: string, from: number): boolean {
  let at = from;
  while (at < text.length && text.charCodeAt(at) <= 0x20) at += 1;
  return text[at] === ":";
}
