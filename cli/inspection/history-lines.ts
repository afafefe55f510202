/** The history of a key as a table for people: when, who, what, and each field that became another. */
import { stringifyJson } from "../../core/exact-json.ts";
import type { KeyChangeAnswer } from "../../core/wire/inspection.ts";
import { shownText, textTable } from "../print.ts";
import { fitCells } from "../text-width.ts";

export type KeyChange = KeyChangeAnswer;
type Image = Readonly<Record<string, unknown>>;

/** Widest value in a line for people; JSON has it whole. */
const SHOWN_CELLS = 60;

/** One line for a change, more where several fields changed. @param keyFields are the same in all of them */
export function historyLines(changes: readonly KeyChange[], keyFields: readonly string[]): string[] {
  const rows = changes.flatMap((change) => {
    const [first = "", ...more] = whatChanged(change, keyFields);
    const begin = [change.timestamp, String(change.sequence), change.writer ?? "-", change.kind, first];
    return [begin, ...more.map((line) => ["", "", "", "", line])];
  });
  return textTable(["when", "sequence", "writer", "kind", "change"], rows);
}

function whatChanged({ kind, old, new: after }: KeyChange, keyFields: readonly string[]): string[] {
  const rest = (row: Image) => Object.entries(row).filter(([name]) => !keyFields.includes(name));
  if (after === null) {
    if (old === undefined) return [kind === "create" ? "" : "the row is gone; what it was is not known"];
    if (old === null) return [kind === "create" ? "" : "there was no row"];
    return ["the row is gone:", ...rest(old).map(([name, value]) => `${name}: was ${valueText(value)}`)];
  }
  if (old === undefined)
    return [
      "what was before is not known:",
      ...rest(after).map(([name, value]) => `${name}: ${valueText(value)}`),
    ];
  if (old === null)
    return ["a new row:", ...rest(after).map(([name, value]) => `${name}: ${valueText(value)}`)];
  const lines = changedFields(old, after);
  return lines.length === 0 ? ["the same again"] : lines;
}

/** A field that one of the two lacks was not there yet, and is null in a row of before. */
function changedFields(old: Image, after: Image): string[] {
  const names = new Set([...Object.keys(old), ...Object.keys(after)]);
  return [...names].flatMap((name) => {
    const [before, now] = [old[name] ?? null, after[name] ?? null];
    return before === now ? [] : [`${name}: ${valueText(before)} → ${valueText(now)}`];
  });
}

/** As JSON has it: text in quotes, so that it can be told from numbers. */
function valueText(value: unknown): string {
  return fitCells(shownText(stringifyJson(value)), SHOWN_CELLS);
}
