/**
 * What the ledger changes between an LDB and a later state of the ctldb: rows that may differ, and are no fault.
 *
 * Of an upsert or a delete that is one row, known by its key. Everything else, and every statement that ctlstore did
 * not write in its usual form, changes the table as a whole.
 */

import { RowEncoder } from "../core/digest/row-encoder.ts";
import { CtlstoreError } from "../core/errors.ts";
import type { FieldType } from "../core/field-types.ts";
import { type BoundValue, UpsertParser } from "../core/ledger/parse-upsert.ts";
import { describeStatement } from "../core/ledger/statements.ts";
import { VERIFY_LIMITS } from "../core/limits.ts";
import type { Sequence } from "../core/sequence.ts";
import type { SqlValue } from "../core/values.ts";
import type { RowView } from "../ctldb/row-source.ts";
import type { FoundTable } from "../ctldb/store.ts";

const QUOTED_NAME = /"([a-z0-9_]+)"/g;

export class LedgerChanges {
  readonly #tables: ReadonlyMap<string, FoundTable>;
  readonly #parser = new UpsertParser();
  readonly #encoder = new RowEncoder();
  readonly #keys = new Map<string, Set<string>>();
  readonly #whole = new Set<string>();
  /** An entry says nothing about which table it changes. */
  #everything = false;

  private constructor(tables: readonly FoundTable[]) {
    this.#tables = new Map(tables.map((table) => [table.name, table]));
  }

  /** Between two states of one sequence, or where nobody can tell. */
  static none(): LedgerChanges {
    return new LedgerChanges([]);
  }

  /**
   * Reads the entries after the LDB's sequence, up to the view's.
   * @returns null when they are too many to keep in mind
   * @throws CtlstoreError `ledger_too_old`, `ctldb_unavailable`
   */
  static async read(view: RowView, after: Sequence): Promise<LedgerChanges | null> {
    if (view.headSequence - after > BigInt(VERIFY_LIMITS.behindEntries)) return null;
    const changes = new LedgerChanges(view.tables);
    let first: Sequence | null = null;
    await view.changesAfter(after, ({ sequence, statement }) => {
      first ??= sequence;
      changes.#add(statement);
      return true;
    });
    // Where the original wrote there may be gaps; nobody can tell those from entries that were removed.
    const mayHaveGaps = view.epoch === null || after < view.takeoverSequence;
    if (!mayHaveGaps && view.headSequence > after && first !== after + 1n) throw tooOld(after);
    return changes;
  }

  /** True when the table may differ in any row, and in its schema. */
  changesWhole(table: string): boolean {
    return this.#everything || this.#whole.has(table);
  }

  /** Keys of the rows that may differ, each as `RowEncoder.encodeAsText` gives it. */
  changedKeys(table: string): ReadonlySet<string> {
    return this.#keys.get(table) ?? new Set();
  }

  #add(statement: string): void {
    const { kind, table: name } = describeStatement(statement);
    if (kind === "begin" || kind === "commit") return;
    if (name === null) {
      this.#everything = true;
      return;
    }
    const table = this.#tables.get(name);
    const key = table === undefined ? null : this.#keyOf(statement, kind, table);
    if (key === null) this.#whole.add(name);
    else this.#keysOf(name).add(key);
  }

  #keysOf(name: string): Set<string> {
    let keys = this.#keys.get(name);
    if (keys === undefined) {
      keys = new Set();
      this.#keys.set(name, keys);
    }
    return keys;
  }

  /** Null when it cannot be told which row is meant. */
  #keyOf(statement: string, kind: string, { fields, keyFields }: FoundTable): string | null {
    const values =
      kind === "upsert"
        ? this.#upsertedValues(statement)
        : kind === "delete"
          ? this.#parser.parseDelete(statement)?.key
          : undefined;
    if (values === undefined) return null;
    const cells: SqlValue[] = [];
    for (const name of keyFields) {
      const cell = storedAs(fields.find((field) => field.name === name)?.type, values.get(name));
      if (cell === undefined) return null;
      cells.push(cell);
    }
    return this.#encoder.encodeAsText(cells);
  }

  #upsertedValues(statement: string): Map<string, BoundValue> | undefined {
    const parsed = this.#parser.parse(statement);
    if (parsed === null) return undefined;
    const names = [...parsed.prefix.matchAll(QUOTED_NAME)].map(([, name = ""]) => name);
    return new Map(names.map((name, i) => [name, parsed.values[i] ?? null]));
  }
}

/** The cell that the literal becomes, or undefined where the two databases may make different things of it. */
function storedAs(type: FieldType | undefined, value: BoundValue | undefined): SqlValue | undefined {
  switch (type) {
    case "integer":
      if (typeof value === "bigint") return value;
      return Number.isSafeInteger(value) ? BigInt(value as number) : undefined;
    case "string":
      return typeof value === "string" ? value : undefined;
    case "bytestring":
      return value instanceof Uint8Array ? value : undefined;
    default:
      return undefined;
  }
}

function tooOld(after: Sequence): CtlstoreError {
  return new CtlstoreError(
    "ledger_too_old",
    `Cannot compare the LDB at ${after}: the ledger's entries after it are gone`,
    { sequence: after, hint: "Let the Reflector catch up, or rebuild this LDB." },
  );
}
