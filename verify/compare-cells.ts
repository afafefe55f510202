/** One order over all cells, the one in which SQLite and MySQL give the rows of a table, and equality to the byte. */
import { type Cell, InvalidText } from "../core/sql/stored-rows.ts";

/** SQLite's order of storage classes. */
function rank(cell: Cell): number {
  if (cell === null) return 0;
  if (typeof cell === "bigint" || typeof cell === "number") return 1;
  return typeof cell === "string" || cell instanceof InvalidText ? 2 : 3;
}

function bytesOf(cell: string | Uint8Array | InvalidText): Uint8Array {
  if (typeof cell === "string") return Buffer.from(cell);
  return cell instanceof InvalidText ? cell.bytes : cell;
}

/** Negative, zero or positive; numbers by value, text by its UTF-8 bytes. */
export function compareCells(left: Cell, right: Cell): number {
  const ranks = rank(left) - rank(right);
  if (ranks !== 0) return ranks;
  if (left === null || right === null || left === right) return 0;
  if (typeof left === "bigint" || typeof left === "number") {
    const other = right as bigint | number; // of the same rank
    return left < other ? -1 : left > other ? 1 : 0;
  }
  return Buffer.compare(bytesOf(left), bytesOf(right as string | Uint8Array | InvalidText));
}

export function compareKeys(left: readonly Cell[], right: readonly Cell[]): number {
  for (const [i, cell] of left.entries()) {
    const order = compareCells(cell, right[i] ?? null);
    if (order !== 0) return order;
  }
  return 0;
}

/** True when both are stored alike: 5 and 5.0 are not. */
export function sameCell(left: Cell, right: Cell): boolean {
  return typeof left === typeof right && compareCells(left, right) === 0;
}
