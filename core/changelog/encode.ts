/** The text of the changelog's lines, in the form of `format.ts`, made of parts that are the same for a whole table. */
import type { ChangeKind, ChangelogHeader } from "./format.ts";

/** The first line of a file, with its newline. */
export function encodeHeader({ seq, format, history, file }: ChangelogHeader): string {
  return `{"seq":${seq},"family":"","table":"","key":[],"kind":"file","format":${format},"history":"${history}","file":${file}}\n`;
}

/** What is the same in the lines of all rows of a table. */
export interface TableLines {
  /** From behind the sequence to the first key part's value. */
  readonly head: string;
  /** From a key part's value to the next one's; one fewer than there are parts. */
  readonly between: readonly string[];
  /** A line without a key, from behind the sequence to its kind. */
  readonly keyless: string;
}

/** @param key name and type of each key field, in key order */
export function tableLines(
  family: string,
  table: string,
  key: ReadonlyArray<{ readonly name: string; readonly type: string }>,
): TableLines {
  const named = `,"family":${JSON.stringify(family)},"table":${JSON.stringify(table)},"key":[`;
  const [first = "", ...others] = key.map(
    ({ name, type }) => `{"name":${JSON.stringify(name)},"type":${JSON.stringify(type)},"value":`,
  );
  return {
    head: `${named}${first}`,
    between: others.map((part) => `},${part}`),
    keyless: `${named}],"kind":`,
  };
}

/** The line of a row. @param values the key's values as JSON, with `between` between them */
export function rowLine(
  seq: bigint,
  lines: TableLines,
  values: string,
  kind: "upsert" | "delete",
  isLast: boolean,
): string {
  return `{"seq":${seq}${lines.head}${values}}],"kind":"${kind}"${isLast ? LAST : NOT_LAST}`;
}

/** A line that is about the whole table, or about any. */
export function keylessLine(
  seq: bigint,
  lines: TableLines,
  kind: Exclude<ChangeKind, "upsert" | "delete">,
  isLast: boolean,
): string {
  return `{"seq":${seq}${lines.keyless}"${kind}"${isLast ? LAST : NOT_LAST}`;
}

const LAST = ',"end":true}\n';
const NOT_LAST = "}\n";
