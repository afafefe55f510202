/**
 * Where the batches end that entries belong to: what a Reflector applies together, and a write was answered with.
 *
 * The first entry after one that is a marker, or of another write, tells: a batch goes on up to its end marker, so anything
 * else means that the entry stands alone. Writes that were committed together have one timestamp, but not one writer.
 */
import { BEGIN_MARKER, COMMIT_MARKER } from "../../core/ledger/statements.ts";
import { INSPECTION_LIMITS } from "../../core/limits.ts";
import { type Sequence, toSequence } from "../../core/sequence.ts";
import { textLiteral } from "../../core/sql/literals.ts";
import type { LedgerStore } from "../store.ts";
import type { InspectedEntry } from "./contract.ts";

/** Entries of one SELECT: SQLite takes 500 of its parts. */
const ENTRIES_PER_QUERY = 100;

/** By the entry's sequence; those that it leaves out are unknown. */
export async function batchEnds(
  entries: readonly InspectedEntry[],
  store: Pick<LedgerStore, "search">,
): Promise<ReadonlyMap<Sequence, Sequence>> {
  const ends = new Map<Sequence, Sequence>();
  for (let at = 0; at < entries.length; at += ENTRIES_PER_QUERY) {
    const part = entries.slice(at, at + ENTRIES_PER_QUERY);
    const { rows } = await store.search(part.map(selectEnd).join(" UNION ALL "));
    for (const [cell, end, last] of rows) {
      const sequence = toSequence(String(cell));
      const found = endOf(sequence, end ?? null, last ?? null);
      if (found !== null) ends.set(sequence, found);
    }
  }
  return ends;
}

type Cell = string | Uint8Array | null;

/** @param end the batch's, or 0 when something else comes first @param last of the entries that were looked at */
function endOf(sequence: Sequence, end: Cell, last: Cell): Sequence | null {
  if (end === null) return isAfterAll(sequence, last) ? sequence : null;
  return String(end) === "0" ? sequence : toSequence(String(end));
}

/** True when the ledger ends within what was looked at. */
function isAfterAll(sequence: Sequence, last: Cell): boolean {
  return BigInt(String(last)) < sequence + BigInt(INSPECTION_LIMITS.batchEntries);
}

function selectEnd({ sequence, timestampUs, writer, hash }: InspectedEntry): string {
  const isOther =
    hash === null
      ? // The original's batches may last longer than a second.
        "hash IS NOT NULL"
      : `hash IS NULL OR timestamp_us <> ${timestampUs} OR COALESCE(writer, '') <> ${textLiteral(writer ?? "")}`;
  return `SELECT ${sequence},
    (SELECT CASE statement WHEN ${COMMIT} THEN seq ELSE 0 END FROM ctlstore_dml_ledger
     WHERE seq > ${sequence} AND seq <= ${sequence + BigInt(INSPECTION_LIMITS.batchEntries)}
       AND (statement = ${COMMIT} OR statement = ${BEGIN} OR ${isOther}) ORDER BY seq LIMIT 1),
    (SELECT MAX(seq) FROM ctlstore_dml_ledger)`;
}

const BEGIN = textLiteral(BEGIN_MARKER);
const COMMIT = textLiteral(COMMIT_MARKER);
