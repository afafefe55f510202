/**
 * Sequences and links for new ledger entries.
 *
 * Sequences come from the lock row while the lock is held and go up by exactly one (I1); two or more mutations of one
 * write are fenced by the markers, one alone is not (I6).
 */
import { nextLink } from "../core/ledger/chain.ts";
import {
  addFieldStatement,
  BEGIN_MARKER,
  COMMIT_MARKER,
  createTableStatement,
  dropTableStatement,
} from "../core/ledger/statements.ts";
import type { WriterName } from "../core/names.ts";
import { nextSequence, type Sequence } from "../core/sequence.ts";
import type { LedgerHead, NewEntry, RowOperation, SchemaChange } from "./store.ts";

/** Of entries that no writer wrote. */
const NOBODY: Pick<NewEntry, "writer" | "trace"> = { writer: null, trace: null };

/** Appends entries after a head, keeping the new head. */
export class EntryAppender {
  readonly entries: NewEntry[] = [];
  readonly #timestampUs: number;
  #sequence: Sequence;
  #hash: Uint8Array;

  /** @param timestampUs microseconds since 1970, the same for the whole transaction */
  constructor(head: LedgerHead, timestampUs: number) {
    this.#sequence = head.sequence;
    this.#hash = head.hash;
    this.#timestampUs = timestampUs;
  }

  get sequence(): Sequence {
    return this.#sequence;
  }

  head(schemaVersion: bigint): LedgerHead {
    return { sequence: this.#sequence, hash: this.#hash, schemaVersion };
  }

  /** Appends one write. @param trace its `traceparent`, when it is traced */
  appendWrite(
    operations: readonly RowOperation[],
    writer: WriterName | null,
    trace: string | null = null,
  ): void {
    const by = { writer, trace };
    const fenced = operations.length > 1;
    if (fenced) this.#append(BEGIN_MARKER, null, by);
    for (const { statement, schema } of operations) this.#append(statement, schema, by);
    if (fenced) this.#append(COMMIT_MARKER, null, by);
  }

  appendSchemaChange(change: SchemaChange): void {
    for (const statement of schemaStatements(change)) this.#append(statement, change.schema, NOBODY);
  }

  #append(
    statement: string,
    table: NewEntry["table"],
    { writer, trace }: Pick<NewEntry, "writer" | "trace">,
  ): void {
    const sequence = nextSequence(this.#sequence);
    const hash = nextLink(this.#hash, { sequence, timestampUs: this.#timestampUs, statement });
    this.entries.push({ sequence, timestampUs: this.#timestampUs, statement, hash, table, writer, trace });
    this.#sequence = sequence;
    this.#hash = hash;
  }
}

/** The ledger statements of a schema change; each stands alone, without markers. */
export function schemaStatements(change: SchemaChange): string[] {
  const { family, table } = change.schema;
  switch (change.kind) {
    case "create":
      return [createTableStatement(change.schema)];
    case "add-fields":
      return change.added.map((field) => addFieldStatement(family, table, field));
    case "drop":
      return [dropTableStatement(family, table)];
  }
}
