/** What entries of the ledger mean for one key of one table. */

import type { FieldType } from "../../core/field-types.ts";
import type { BoundValue } from "../../core/ledger/parse-upsert.ts";
import { RowStatementParser, sameValue, typedValue } from "../../core/ledger/row-statement.ts";
import type { TableSchema } from "../../core/schema.ts";
import { ledgerLiteral, textLiteral } from "../../core/sql/literals.ts";
import type { SqlValue } from "../../core/values.ts";
import type { InspectedEntry, KeyChange, RowImage } from "./contract.ts";
import { entriesOf, isOf } from "./entry-rows.ts";
import type { KeyThen, TableKeys } from "./table-keys.ts";

export type KeyEvent =
  | { readonly kind: KeyChange["kind"]; readonly after: RowImage | null; readonly chars: number }
  /** It changed the table in a way that only SQLite could tell: no statement of ctlstore's. */
  | { readonly kind: "obscure" };

export class KeyEvents {
  readonly #schema: TableSchema;
  readonly #key: readonly SqlValue[];
  readonly #types: ReadonlyMap<string, FieldType>;
  readonly #parser = new RowStatementParser();

  readonly #keys: Pick<TableKeys, "at">;

  /** @param key in key order, checked */
  constructor(schema: TableSchema, key: readonly SqlValue[], keys: Pick<TableKeys, "at">) {
    this.#schema = schema;
    this.#key = key;
    this.#keys = keys;
    this.#types = new Map(schema.fields.map(({ name, type }) => [name, type]));
  }

  /**
   * SQL that every entry meets which means something, and few others do: of rows only those whose statement has the key's
   * literals in it. Entries of the original may have them in other forms.
   */
  get condition(): string {
    const { family, table } = this.#schema;
    const hasLiterals = this.#key
      .map((value) => `INSTR(statement, ${textLiteral(ledgerLiteral(value))}) > 0`)
      .join(" AND ");
    return `${entriesOf(family, table)} AND (hash IS NULL OR ${IS_NO_ROW} OR ${hasLiterals})`;
  }

  /** Null when the entry means nothing for the key. @param statement the whole of it */
  of(entry: InspectedEntry, statement: string): KeyEvent | null {
    const { family, table } = this.#schema;
    // It names the table somewhere, or the search would not have found it.
    if (entry.kind === "other") return { kind: "obscure" };
    if (!isOf(entry, family, table)) return null;
    switch (entry.kind) {
      case "clear":
      case "drop":
      case "create":
        return { kind: entry.kind, after: null, chars: 0 };
      case "upsert":
      case "delete":
        return this.#ofRow(statement, this.#keys.at(entry.sequence));
      default:
        return null; // the row gets a field that is null in it, as it is in every image without it
    }
  }

  #ofRow(statement: string, keyThen: KeyThen): KeyEvent | null {
    if (keyThen === "another") return null;
    const parsed = this.#parser.parse(statement);
    if (parsed === null) return { kind: "obscure" };
    const { kind, values } = parsed;
    // It is by hand, and about rows that only SQLite could tell; or of an earlier table with another key.
    if (!this.#namesKey(values, kind)) return keyThen === "todays" ? { kind: "obscure" } : null;
    if (!this.#isOurKey(values)) return null;
    if (kind === "delete") return { kind, after: null, chars: 0 };
    return { kind, after: this.#image(values), chars: statement.length };
  }

  /** True of an upsert with every field of the key, and of a delete with these alone. */
  #namesKey(values: ReadonlyMap<string, BoundValue>, kind: "upsert" | "delete"): boolean {
    const { keyFields } = this.#schema;
    return (
      keyFields.every((name) => values.has(name)) && (kind === "upsert" || values.size === keyFields.length)
    );
  }

  #isOurKey(values: ReadonlyMap<string, BoundValue>): boolean {
    return this.#schema.keyFields.every((name, i) =>
      sameValue(this.#typed(name, values.get(name) ?? null), this.#key[i] ?? null),
    );
  }

  /** All fields of the table as it is now, and those that it had then. */
  #image(values: ReadonlyMap<string, BoundValue>): RowImage {
    const now = this.#schema.fields.map(({ name }) => [name, null] as const);
    const then = [...values].map(([name, value]) => [name, this.#typed(name, value)] as const);
    return Object.fromEntries([...now, ...then]);
  }

  #typed(name: string, value: BoundValue): SqlValue {
    const type = this.#types.get(name);
    if (type !== undefined) return typedValue(type, value);
    return typeof value === "number" && Number.isInteger(value) ? BigInt(value) : value;
  }
}

/** True of statements that neither write nor delete one row. */
const IS_NO_ROW = `SUBSTR(statement, 1, 13) <> 'REPLACE INTO '
  AND (SUBSTR(statement, 1, 12) <> 'DELETE FROM ' OR INSTR(statement, ' WHERE ') = 0)`;
