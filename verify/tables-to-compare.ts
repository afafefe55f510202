/** Which tables a comparison is about: all that either side has, or those that somebody named. */
import { CtlstoreError, quote } from "../core/errors.ts";
import type { LdbTableName } from "../core/names.ts";
import type { ViewPair } from "./compare-table.ts";

/** By name. @throws CtlstoreError `unknown_table` when one that is named is on neither side */
export function tablesToCompare(
  { ldb, ctldb }: Pick<ViewPair, "ldb" | "ctldb">,
  named: readonly LdbTableName[] | undefined,
): LdbTableName[] {
  const all = new Set([
    ...ldb.tables.map(({ name }) => name),
    ...ctldb.tables.map(({ name }) => name),
    ...ctldb.foreign,
  ]);
  const unknown = named?.find((name) => !all.has(name));
  if (unknown !== undefined) {
    const path = unknown.replace("___", "/");
    throw new CtlstoreError("unknown_table", `Cannot compare ${quote(path)}: neither side has such a table`);
  }
  return [...(named === undefined ? all : new Set(named))].sort() as LdbTableName[]; // both sides give names of tables only
}
