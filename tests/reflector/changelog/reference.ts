/** What a changelog must say, worked out from the ledger the simplest way: what a writer is compared with. */
import type { LedgerEntry } from "../../../core/ledger/entry.ts";
import { BEGIN_MARKER, COMMIT_MARKER } from "../../../core/ledger/statements.ts";

export interface ReferenceLine extends Record<string, unknown> {
  readonly seq: number;
  readonly family: string;
  readonly table: string;
  readonly key: readonly unknown[];
  readonly kind: string;
  readonly end?: true;
}

/** For ledgers of `random-ledger.ts`: one table `fam___tbl` with the key `k`. */
export function referenceLines(entries: readonly LedgerEntry[]): ReferenceLine[] {
  const lines: ReferenceLine[] = [];
  let open: LedgerEntry[] | null = null;
  for (const entry of entries) {
    if (entry.statement === BEGIN_MARKER) open = [];
    else if (entry.statement === COMMIT_MARKER) {
      lines.push(...linesOf(open ?? []));
      open = null;
    } else if (open === null) lines.push(...linesOf([entry]));
    else open.push(entry);
  }
  return lines;
}

/** The lines of one ledger transaction. */
function linesOf(entries: readonly LedgerEntry[]): ReferenceLine[] {
  let changes: ReferenceLine[] = [];
  for (const entry of entries) {
    const change = changeOf(entry);
    const isOvertaken = (earlier: ReferenceLine) =>
      (change.kind === "clear" || change.kind === "drop" ? earlier.kind !== "schema" : false) ||
      (earlier.kind === change.kind && change.kind === "schema") ||
      (change.key.length > 0 && JSON.stringify(earlier.key) === JSON.stringify(change.key));
    changes = [...changes.filter((earlier) => !isOvertaken(earlier)), change];
  }
  return changes.map((change, i) => (i === changes.length - 1 ? { ...change, end: true } : change));
}

function changeOf({ sequence, statement }: LedgerEntry): ReferenceLine {
  const line = (kind: string, key?: string): ReferenceLine => ({
    seq: Number(sequence),
    family: "fam",
    table: "tbl",
    key: key === undefined ? [] : [{ name: "k", type: "integer", value: Number(key) }],
    kind,
  });
  const upserted = /^REPLACE INTO fam___tbl \("k","v"\) VALUES\((-?\d+),/.exec(statement);
  if (upserted !== null) return line("upsert", upserted[1]);
  const deleted = /^DELETE FROM fam___tbl WHERE "k" = (-?\d+)$/.exec(statement);
  if (deleted !== null) return line("delete", deleted[1]);
  if (statement === "DELETE FROM fam___tbl") return line("clear");
  return line(statement.startsWith("DROP") ? "drop" : "schema");
}
