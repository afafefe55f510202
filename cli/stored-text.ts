/** Stored values with their storage class, which may be all that differs: as literals for people, as JSON for scripts. */
import { type Cell, InvalidText } from "../core/sql/stored-rows.ts";
import type { NamedCells } from "../verify/report.ts";
import { shownText } from "./print.ts";
import { cellsOf, fitCells } from "./text-width.ts";

/** Widest value in a line for people; JSON has it whole. */
const SHOWN_CELLS = 60;
/** Of what two long values have in common, so many letters are shown before the difference. */
const SHOWN_BEFORE_CHANGE = 12;

/** `name="two" id=2` */
export function namedText(cells: NamedCells): string {
  return [...cells].map(([name, cell]) => `${name}=${cellText(cell)}`).join(" ");
}

/** As a literal that shows the storage class. */
export function cellText(cell: Cell): string {
  return fitCells(shownText(literal(cell)), SHOWN_CELLS);
}

/** `old → new`; of long values that begin alike, from shortly before where they differ. */
export function changeText(before: Cell, after: Cell): string {
  const texts = [before, after].map((cell) => shownText(literal(cell))) as [string, string]; // of two cells
  const alike = alikeLength(...texts);
  const from = Math.max(0, alike - SHOWN_BEFORE_CHANGE);
  const isHidden = alike > SHOWN_CELLS / 2 && texts.some((text) => cellsOf(text) > SHOWN_CELLS);
  const shown = texts.map((text) => fitCells(isHidden ? `…${text.slice(from)}` : text, SHOWN_CELLS));
  return shown.join(" → ");
}

/** Code units in which two texts begin alike. */
function alikeLength(left: string, right: string): number {
  let length = 0;
  while (length < left.length && left[length] === right[length]) length += 1;
  return length;
}

function literal(cell: Cell): string {
  if (cell === null) return "null";
  if (typeof cell === "bigint") return cell.toString();
  if (typeof cell === "number") return Number.isInteger(cell) ? cell.toExponential() : String(cell);
  if (typeof cell === "string") return JSON.stringify(cell);
  if (cell instanceof InvalidText) return `text x'${Buffer.from(cell.bytes).toString("hex")}'`;
  return `x'${Buffer.from(cell).toString("hex")}'`;
}

export function namedJson(cells: NamedCells): Record<string, unknown> {
  return Object.fromEntries([...cells].map(([name, cell]) => [name, cellJson(cell)]));
}

/** With its storage class, which may be all that differs. Bytes are base64. */
export function cellJson(cell: Cell): unknown {
  if (cell === null) return { storage: "null" };
  if (typeof cell === "bigint") return { storage: "integer", value: cell };
  if (typeof cell === "number") return { storage: "real", value: cell };
  if (typeof cell === "string") return { storage: "text", value: cell };
  if (cell instanceof InvalidText) return { storage: "text", bytes: cell.bytes };
  return { storage: "blob", bytes: cell };
}
