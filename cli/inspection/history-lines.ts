/** The history of a key as a table for people: when, who, what, and each field that became another. */
import { stringifyJson } from "../../core/exact-json.ts";
import type { KeyChangeAnswer } from "../../core/wire/inspection.ts";
import type { KeyedTable } from "../key-parts.ts";
import { shownText, textTable } from "../print.ts";
import { fitCells } from "../text-width.ts";

export type KeyChange = KeyChangeAnswer;
type Image = Readonly<Record<string, unknown>>;

/** Widest value in a line for people; JSON has it whole. */
const SHOWN_CELLS = 60;

/** One line for a change, more where several fields changed. Fields of the key are the same in all of them. */
export function historyLines(changes: readonly KeyChange[], table: KeyedTable): string[] {
  const rows = changes.flatMap((change) => {
    const [first = "", ...more] = whatChanged(change, table);
    const begin = [change.timestamp, String(change.sequence), change.writer ?? "-", change.kind, first];
    return [begin, ...more.map((line) => ["", "", "", "", line])];
  });
  return textTable(["when", "sequence", "writer", "kind", "change"], rows);
}

function whatChanged({ kind, old, new: after }: KeyChange, table: KeyedTable): string[] {
  const shown = (row: Image, before: string) =>
    Object.entries(row)
      .filter(([name]) => !table.keyFields.includes(name))
      .map(([name, value]) => `${name}: ${before}${valueText(table, name, value)}`);
  if (after === null) {
    if (old === undefined) return [kind === "create" ? "" : "the row is gone; what it was is not known"];
    if (old === null) return [kind === "create" ? "" : "there was no row"];
    return ["the row is gone:", ...shown(old, "was ")];
  }
  if (old === undefined) return ["what was before is not known:", ...shown(after, "")];
  if (old === null) return ["a new row:", ...shown(after, "")];
  const lines = changedFields(old, after, table);
  return lines.length === 0 ? ["the same again"] : lines;
}

/** A field that one of the two lacks was not there yet, and is null in a row of before. */
function changedFields(old: Image, after: Image, table: KeyedTable): string[] {
  const names = new Set([...Object.keys(old), ...Object.keys(after)]);
  return [...names].flatMap((name) => {
    const [before, now] = [old[name] ?? null, after[name] ?? null];
    if (before === now) return [];
    return [`${name}: ${valueText(table, name, before)} → ${valueText(table, name, now)}`];
  });
}

/** As JSON has it: text in quotes, so that it can be told from numbers; integers too large for JSON are numbers all the same. */
function valueText({ fields }: KeyedTable, name: string, value: unknown): string {
  const isDigits = typeof value === "string" && /^-?\d+$/.test(value);
  const isInteger = isDigits && fields.some((field) => field.name === name && field.type === "integer");
  return fitCells(shownText(isInteger ? value : stringifyJson(value)), SHOWN_CELLS);
}
