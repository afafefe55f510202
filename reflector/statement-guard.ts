/**
 * What may be run on an LDB at all: one statement (I7) that touches neither the transaction nor the LDB's own tables.
 *
 * The Executive writes nothing else; this is for entries that somebody put into the ledger by hand (R8).
 */
import type { ErrorCode } from "../core/errors.ts";
import { isSingleStatement } from "../core/ledger/single-statement.ts";

interface Objection {
  readonly code: Extract<ErrorCode, "ledger_malformed" | "statement_refused">;
  readonly text: string;
}

const NOT_ONE_STATEMENT: Objection = {
  code: "ledger_malformed",
  text: "the entry is not exactly one statement",
};
const FIRST_WORD = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?(?:\*\/|$))*([a-z]*)/i;
/** They would end the transaction that keeps rows and sequence together (I4), or reach outside the database. */
const REFUSED_WORDS = new Set([
  "BEGIN",
  "COMMIT",
  "END",
  "ROLLBACK",
  "SAVEPOINT",
  "RELEASE",
  "ATTACH",
  "DETACH",
  "PRAGMA",
  "VACUUM",
]);
const OWN_TABLES = /\b(?:_ldb_|sqlite_)/i;
/** The forms of nearly every entry; a table of the LDB's own is not among them. */
const ROW_STATEMENT = /^(?:REPLACE INTO|DELETE FROM) (?!sqlite_)[a-z]/;

/** Null when the statement may be run. */
export function objectionTo(statement: string): Objection | null {
  if (!isSingleStatement(statement)) return NOT_ONE_STATEMENT;
  if (ROW_STATEMENT.test(statement)) return null;
  const word = FIRST_WORD.exec(statement)?.[1]?.toUpperCase() ?? "";
  if (word === "") return NOT_ONE_STATEMENT; // a comment alone runs as nothing at all
  if (REFUSED_WORDS.has(word)) {
    return { code: "statement_refused", text: `${word} may not be run on an LDB` };
  }
  if (OWN_TABLES.test(statement)) {
    return { code: "statement_refused", text: "the statement names a table of the LDB's own" };
  }
  return null;
}
