/**
 * What one ledger transaction changes: each key once, with its last statement (D17), in the order of the statements.
 *
 * What it keeps in mind is bounded: of a table with too many keys it says only that the table changed.
 */
import { keylessLine, rowLine } from "../../core/changelog/encode.ts";
import type { ChangeKind } from "../../core/changelog/format.ts";
import type { ChangedTable } from "./changed-tables.ts";

export type RowKind = "upsert" | "delete";
export type TableKind = Exclude<ChangeKind, RowKind>;

type Change = { readonly seq: bigint; readonly table: ChangedTable } & (
  | { readonly kind: RowKind; readonly key: string }
  | { readonly kind: TableKind; readonly key: null }
);

export class TransactionChanges {
  readonly #mostKeys: number;
  /** By what is changed, in the order of the last statement that did: who is changed again goes to the end. */
  readonly #changes = new Map<string, Change>();
  /** Tables of which single rows are not told any more. */
  readonly #reloaded = new Set<string>();

  constructor(mostKeys: number) {
    this.#mostKeys = mostKeys;
  }

  /** @param key the key's values as JSON */
  addRow(seq: bigint, table: ChangedTable, kind: RowKind, key: string): void {
    if (this.#reloaded.size > 0 && this.#reloaded.has(table.name)) {
      this.#put(`${table.name}:reload`, { seq, table, kind: "reload", key: null });
      return;
    }
    // What follows the colon begins a JSON value, and is no kind.
    this.#put(`${table.name}:${key}`, { seq, table, kind, key });
    if (this.#changes.size > this.#mostKeys) this.addTable(seq, table, "reload");
  }

  addTable(seq: bigint, table: ChangedTable, kind: TableKind): void {
    if (kind === "reload") {
      if (table.name !== "") this.#forgetRows(table.name);
      this.#reloaded.add(table.name);
    } else if (kind !== "schema") {
      // All rows are gone, whatever was done to them before.
      this.#forgetRows(table.name);
      this.#changes.delete(`${table.name}:reload`);
      this.#reloaded.delete(table.name);
    }
    this.#put(`${table.name}:${kind}`, { seq, table, kind, key: null });
  }

  /** The lines, of which the last says that the transaction ends. Empties this. */
  takeLines(): { readonly text: string; readonly lines: number } {
    let text = "";
    let left = this.#changes.size;
    const lines = left;
    for (const change of this.#changes.values()) {
      left -= 1;
      text +=
        change.key === null
          ? keylessLine(change.seq, change.table.lines, change.kind, left === 0)
          : rowLine(change.seq, change.table.lines, change.key, change.kind, left === 0);
    }
    this.clear();
    return { text, lines };
  }

  clear(): void {
    this.#changes.clear();
    this.#reloaded.clear();
  }

  #put(id: string, change: Change): void {
    this.#changes.delete(id);
    this.#changes.set(id, change);
  }

  #forgetRows(name: string): void {
    for (const [id, change] of this.#changes) {
      if (change.key !== null && change.table.name === name) this.#changes.delete(id);
    }
  }
}
