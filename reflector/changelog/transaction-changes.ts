/**
 * What one ledger transaction changes: each key once, with its last statement (D17), in the order of the statements.
 *
 * What it keeps in mind is bounded: of a table with too many keys it says only that the table changed. Nearly every
 * statement is about a row that no other one of its transaction changes, and costs little more than its line.
 */
import type { KeyPart, LineKey } from "../../core/changelog/encode.ts";
import type { ChangeKind } from "../../core/changelog/format.ts";
import type { ChangedTable } from "./changed-tables.ts";

export type RowKind = "upsert" | "delete";
export type TableKind = Exclude<ChangeKind, RowKind>;

export interface Change {
  readonly seq: bigint;
  readonly table: ChangedTable;
  readonly kind: ChangeKind;
  /** Null for a change of the whole table. */
  readonly key: LineKey | null;
}

interface TableState {
  readonly table: ChangedTable;
  readonly keys: Set<KeyPart>;
  /** The last statement since single rows are not told any more; null while they are. */
  reloadedAt: bigint | null;
}

export class TransactionChanges {
  readonly #mostKeys: number;
  readonly #states = new Map<string, TableState>();
  #lastState: TableState | null = null;
  /**
   * All but reloads, in the order of the statements; a key that was changed again may be there more than once, which
   * `#compact` ends.
   */
  #changes: Change[] = [];
  #isCompact = true;
  #keys = 0;

  constructor(mostKeys: number) {
    this.#mostKeys = mostKeys;
  }

  addRow(seq: bigint, table: ChangedTable, kind: RowKind, key: LineKey): void {
    const state = this.#lastState?.table === table ? this.#lastState : this.#stateOf(table);
    if (state.reloadedAt !== null) {
      state.reloadedAt = seq;
      return;
    }
    const { keys } = state;
    const before = keys.size;
    keys.add(identityOf(key));
    if (keys.size === before) this.#isCompact = false;
    else this.#keys += 1;
    this.#changes.push({ seq, table, kind, key });
    if (this.#keys > this.#mostKeys) this.addTable(seq, table, "reload");
    else if (this.#changes.length > 2 * this.#mostKeys) this.#compact();
  }

  addTable(seq: bigint, table: ChangedTable, kind: TableKind): void {
    const { name } = table;
    const state = this.#stateOf(table);
    const isReload = kind === "reload";
    if (!isReload || state.reloadedAt === null) {
      // All rows are gone, or may be other ones: whatever was told of them before does not matter.
      const isWhole = kind !== "schema";
      const isOvertaken = (change: Change) =>
        change.table.name === name && (change.kind === kind || (isWhole && change.kind !== "schema"));
      this.#changes = this.#changes.filter((change) => !isOvertaken(change));
      if (isWhole) {
        this.#keys -= state.keys.size;
        state.keys.clear();
        state.reloadedAt = null;
      }
    }
    if (isReload) state.reloadedAt = seq;
    else this.#changes.push({ seq, table, kind, key: null });
  }

  /** The changes, each as it was last. Empties this. */
  take(): readonly Change[] {
    if (!this.#isCompact) this.#compact();
    const reloads = this.#reloads();
    const taken = reloads.length === 0 ? this.#changes : [...this.#changes, ...reloads].sort(bySequence);
    this.clear();
    return taken;
  }

  clear(): void {
    this.#changes = [];
    this.#states.clear();
    this.#lastState = null;
    this.#isCompact = true;
    this.#keys = 0;
  }

  #stateOf(table: ChangedTable): TableState {
    let state = this.#states.get(table.name);
    // Known anew after a change of tables: the same table, and keys that were noted before are its own.
    if (state === undefined || state.table !== table) {
      const { keys = new Set<KeyPart>(), reloadedAt = null } = state ?? {};
      state = { table, keys, reloadedAt };
      this.#states.set(table.name, state);
    }
    this.#lastState = state;
    return state;
  }

  #reloads(): Change[] {
    return [...this.#states.values()].flatMap(({ table, reloadedAt: seq }) =>
      seq === null ? [] : [{ seq, table, kind: "reload", key: null } as const],
    );
  }

  /** Leaves of each key the last change only. */
  #compact(): void {
    const seen = new Map<string, Set<KeyPart>>();
    const kept: Change[] = [];
    for (const change of this.#changes.reverse()) {
      if (change.key === null || isNew(seen, change.table.name, change.key)) kept.push(change);
    }
    this.#changes = kept.reverse();
    this.#isCompact = true;
  }
}

function bySequence(a: Change, b: Change): number {
  return a.seq < b.seq ? -1 : 1;
}

/** Notes a key. @returns false when it was there before */
function isNew(seen: Map<string, Set<KeyPart>>, table: string, key: LineKey): boolean {
  let keys = seen.get(table);
  if (keys === undefined) {
    keys = new Set();
    seen.set(table, keys);
  }
  const before = keys.size;
  keys.add(identityOf(key));
  return keys.size > before;
}

/** Equal for equal keys of one table, and for no others: each part has the type that its column holds. */
function identityOf(key: LineKey): KeyPart {
  return typeof key === "object" ? JSON.stringify(key.map(String)) : key;
}
