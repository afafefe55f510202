/**
 * Collects the changelog's lines of what is applied in the open SQLite transaction.
 *
 * It is told each statement after it was run, and gives the lines of whole ledger transactions; what was undone is
 * discarded, so that a line never tells of what is not there (D17).
 */
import { type KeyPart, LineBuffer, type LineKey } from "../../core/changelog/encode.ts";
import type { LedgerEntry } from "../../core/ledger/entry.ts";
import { type BoundValue, type ParsedUpsert, UpsertParser } from "../../core/ledger/parse-upsert.ts";
import { BEGIN_MARKER, changesSchema, describeStatement } from "../../core/ledger/statements.ts";
import { CHANGELOG_LIMITS } from "../../core/limits.ts";
import type { WritableDatabase } from "../../ldb/writable-database.ts";
import { type ChangedTable, ChangedTables, UNKNOWN_TABLE } from "./changed-tables.ts";
import { type KeyColumn, keyPart } from "./key-values.ts";
import { type RowKind, type TableKind, TransactionChanges } from "./transaction-changes.ts";

/** Where the key is in upserts that begin alike. */
interface UpsertForm {
  readonly prefix: string;
  readonly table: ChangedTable;
  /** Positions among the values, in key order; -1 for a column that the statement does not name. */
  readonly positions: readonly number[];
}

/** Characters; a part of a text keeps all of it in memory. */
const LONG_STATEMENT = 4_096;
const MOST_UNITS = CHANGELOG_LIMITS.keyUnits;
const NO_FORM: UpsertForm = { prefix: "", table: UNKNOWN_TABLE, positions: [] };
const UPSERTED_TABLE = /^REPLACE INTO (\w+) \(/;
const QUOTED_NAME = /"([a-z0-9_]+)"/g;
/** With a default, or anything else behind its type, a new field may change rows. */
const PLAIN_NEW_FIELD = /^ALTER TABLE \w+ ADD COLUMN "[a-z0-9_]+" [A-Z]+(?:\(\d+\))?;?$/;

export class ChangeRecorder {
  readonly #tables: ChangedTables;
  readonly #parser = new UpsertParser();
  readonly #forms = new Map<string, UpsertForm>();
  readonly #changes: TransactionChanges;
  #lastForm = NO_FORM;
  #insideTransaction = false;
  #lines = newBuffer();
  /** In use only while lines that were taken are not given back. */
  #spare = newBuffer();

  constructor(database: WritableDatabase, mostKeys: number = CHANGELOG_LIMITS.keysPerTransaction) {
    this.#tables = new ChangedTables(database);
    this.#changes = new TransactionChanges(mostKeys);
  }

  /** A marker of the ledger has been passed. */
  mark(marker: string): void {
    this.#insideTransaction = marker === BEGIN_MARKER;
    if (this.#insideTransaction) return;
    const changes = this.#changes.take();
    const last = changes.at(-1);
    for (const change of changes) {
      const { seq, table, kind, key } = change;
      this.#lines.add(seq, table.lines, kind, key, change === last);
    }
  }

  /**
   * A statement was run.
   * @param upsert its parts, when it is an upsert of ours
   */
  record(entry: LedgerEntry, upsert: ParsedUpsert | null): void {
    if (upsert === null) {
      this.#recordOther(entry);
      return;
    }
    const { prefix, values } = upsert;
    const form = this.#lastForm.prefix === prefix ? this.#lastForm : this.#formOf(prefix);
    const key = keyOf(form.table, form.positions, values);
    if (key === null) this.#addTable(entry, form.table, "reload");
    else this.#addRow(entry, form.table, "upsert", key);
  }

  /** The lines since they were taken last. Call outside a ledger transaction, and give them back before the next call. */
  take(): LineBuffer {
    const taken = this.#lines;
    this.#lines = this.#spare;
    return taken;
  }

  /** Takes back what `take` gave. The same memory is used next: the processor has it at hand. */
  giveBack(taken: LineBuffer): void {
    taken.clear(CHANGELOG_LIMITS.keptBufferBytes);
    if (this.#lines.lines > 0) {
      this.#spare = taken;
      return;
    }
    this.#spare = this.#lines;
    this.#lines = taken;
  }

  /** Forgets what was collected: the transaction was undone, and with it perhaps a change of tables. */
  discard(): void {
    this.#lines.clear(CHANGELOG_LIMITS.keptBufferBytes);
    this.#changes.clear();
    this.#insideTransaction = false;
    this.#forgetTables();
  }

  #recordOther(entry: LedgerEntry): void {
    const { statement } = entry;
    if (changesSchema(statement)) this.#forgetTables();
    const { kind, table: name } = describeStatement(statement);
    const table = name === null ? UNKNOWN_TABLE : this.#tables.named(name);
    if (kind === "delete") this.#recordDelete(entry, table);
    else if (kind === "clear" || kind === "drop") this.#addTable(entry, table, knownOr(table, kind));
    else if (kind === "create" || (kind === "alter" && PLAIN_NEW_FIELD.test(statement)))
      this.#addTable(entry, table, knownOr(table, "schema"));
    else this.#addTable(entry, table, "reload");
  }

  #recordDelete(entry: LedgerEntry, table: ChangedTable): void {
    const parsed = this.#parser.parseDelete(entry.statement);
    const values = parsed === null || parsed.key.size !== table.key.length ? null : parsed.key;
    const key = values === null ? null : keyOfDelete(table, values);
    if (key === null) this.#addTable(entry, table, "reload");
    else this.#addRow(entry, table, "delete", key);
  }

  #addRow(entry: LedgerEntry, table: ChangedTable, kind: RowKind, key: LineKey): void {
    const { sequence, statement } = entry;
    if (this.#insideTransaction) {
      const kept = statement.length > LONG_STATEMENT ? detached(key) : key;
      this.#changes.addRow(sequence, table, kind, kept);
    } else this.#lines.add(sequence, table.lines, kind, key, true);
  }

  #addTable({ sequence }: LedgerEntry, table: ChangedTable, kind: TableKind): void {
    if (this.#insideTransaction) this.#changes.addTable(sequence, table, kind);
    else this.#lines.add(sequence, table.lines, kind, null, true);
  }

  #formOf(prefix: string): UpsertForm {
    const form = this.#forms.get(prefix) ?? this.#learnForm(prefix);
    this.#lastForm = form;
    return form;
  }

  #learnForm(prefix: string): UpsertForm {
    if (this.#forms.size >= CHANGELOG_LIMITS.knownTables) this.#forms.clear();
    const table = this.#tables.named(UPSERTED_TABLE.exec(prefix)?.[1] ?? "");
    const names = [...prefix.matchAll(QUOTED_NAME)].map(([, name = ""]) => name);
    const form = { prefix, table, positions: table.key.map(({ name }) => positionOf(name, names)) };
    this.#forms.set(prefix, form);
    return form;
  }

  #forgetTables(): void {
    this.#tables.forget();
    this.#forms.clear();
    this.#lastForm = NO_FORM;
  }
}

/** A copy that does not keep the statement that it was cut out of. */
function detached(key: LineKey): LineKey {
  const copied = (part: KeyPart) => (typeof part === "string" ? Buffer.from(part).toString() : part);
  return typeof key === "object" ? key.map(copied) : copied(key);
}

function newBuffer(): LineBuffer {
  return new LineBuffer(CHANGELOG_LIMITS.noteHeaderBytes);
}

/** -1 also for a name that is there twice: which value counts is SQLite's business. */
function positionOf(name: string, names: readonly string[]): number {
  const position = names.indexOf(name);
  return names.includes(name, position + 1) ? -1 : position;
}

/** Of a table that is not known by its name nobody can be told what became of it. */
function knownOr(table: ChangedTable, kind: TableKind): TableKind {
  return table === UNKNOWN_TABLE ? "reload" : kind;
}

/** The key, or null when it cannot be said which row is meant. */
function keyOf(
  { key }: ChangedTable,
  positions: readonly number[],
  values: readonly BoundValue[],
): LineKey | null {
  const [first] = key;
  if (first === undefined) return null;
  // Nearly every key has one part.
  if (key.length === 1) return boundedPart(first, values[positions[0] ?? -1] ?? null, MOST_UNITS);
  const parts: KeyPart[] = [];
  let units = MOST_UNITS;
  for (let i = 0; i < key.length; i++) {
    const part = boundedPart(key[i] ?? first, values[positions[i] ?? -1] ?? null, units);
    if (part === null) return null;
    if (typeof part === "string") units -= part.length;
    parts.push(part);
  }
  return parts;
}

function boundedPart(column: KeyColumn, value: BoundValue, mostUnits: number): KeyPart | null {
  const part = keyPart(column, value);
  return typeof part === "string" && part.length > mostUnits ? null : part;
}

function keyOfDelete(table: ChangedTable, values: ReadonlyMap<string, BoundValue>): LineKey | null {
  const inOrder = table.key.map(({ name }) => values.get(name) ?? null);
  return keyOf(table, [...inOrder.keys()], inOrder);
}
