/**
 * Cuts what cannot be one request: a unit above the limits, or with rows of several families.
 *
 * Positions move with the last part only. A crash between two parts brings all of them again, in order, so the rows come out
 * the same; what is lost is that nobody sees a part without the others.
 */
import type { BatchLimits } from "./batch-limits.ts";
import { rowId } from "./fold.ts";
import type { RowsUnit, SourcedMutation } from "./unit.ts";
import { wireBytesOf } from "./wire-size.ts";

/** Rows and bytes become fewer when the Executive takes fewer. */
type Limits = Pick<BatchLimits, "rows" | "bytes" | "records">;

/** The unit itself when it fits and is of one family. */
export function cutUnit(unit: RowsUnit, limits: Limits): readonly RowsUnit[] {
  const { mutations } = unit;
  if (mutations.length <= 1) return [unit];
  const parts = familiesOf(mutations).flatMap((ofFamily) => [...slices(ofFamily, limits)]);
  return parts.length <= 1 ? [unit] : partsOf(unit, parts);
}

/** Two halves of a unit with at least two mutations. */
export function halveUnit(unit: RowsUnit): readonly RowsUnit[] {
  const middle = Math.ceil(unit.mutations.length / 2);
  return partsOf(unit, [unit.mutations.slice(0, middle), unit.mutations.slice(middle)]);
}

function partsOf(unit: RowsUnit, parts: readonly (readonly SourcedMutation[])[]): readonly RowsUnit[] {
  return parts.map((mutations, i) =>
    i === parts.length - 1
      ? { ...unit, mutations }
      : { kind: "rows", mutations, advances: [], isTransaction: unit.isTransaction },
  );
}

/** By family: rows of different ones are different rows, so only the order within each matters. */
function familiesOf(mutations: readonly SourcedMutation[]): readonly (readonly SourcedMutation[])[] {
  const first = mutations[0]?.mutation.family;
  if (mutations.every(({ mutation }) => mutation.family === first)) return [mutations];
  const byFamily = new Map<string, SourcedMutation[]>();
  for (const sourced of mutations) {
    const { family } = sourced.mutation;
    const list = byFamily.get(family);
    if (list === undefined) byFamily.set(family, [sourced]);
    else list.push(sourced);
  }
  return [...byFamily.values()];
}

function* slices(
  mutations: readonly SourcedMutation[],
  limits: Limits,
): Generator<readonly SourcedMutation[]> {
  const rows = new Set<string>();
  let bytes = 0;
  let start = 0;
  for (const [i, { mutation }] of mutations.entries()) {
    const size = wireBytesOf(mutation);
    const isFull =
      (rows.size >= limits.rows && !rows.has(rowId(mutation))) ||
      bytes + size > limits.bytes ||
      i - start >= limits.records;
    if (isFull && i > start) {
      yield mutations.slice(start, i);
      rows.clear();
      bytes = 0;
      start = i;
    }
    rows.add(rowId(mutation));
    bytes += size;
  }
  yield mutations.slice(start);
}
