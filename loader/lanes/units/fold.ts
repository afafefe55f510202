/**
 * Only the last mutation of a row in a batch counts: an upsert replaces the whole row and a delete removes it, and the batch
 * takes effect as one. So leaving out the others is exact.
 */
import type { RowMutation } from "../../mapping/mapping.ts";
import type { SourcedMutation } from "./unit.ts";

/** Tells rows of one family apart; table names have no NUL. */
export function rowId({ table, keyText }: RowMutation): string {
  return `${table}\u0000${keyText}`;
}

/** The last mutation of each row, in their order. All are of one family. */
export function fold(mutations: readonly SourcedMutation[]): readonly SourcedMutation[] {
  const seen = new Set<string>();
  const kept: SourcedMutation[] = [];
  for (let i = mutations.length - 1; i >= 0; i--) {
    const sourced = mutations[i];
    if (sourced === undefined || seen.has(rowId(sourced.mutation))) continue;
    seen.add(rowId(sourced.mutation));
    kept.push(sourced);
  }
  return kept.length === mutations.length ? mutations : kept.reverse();
}
