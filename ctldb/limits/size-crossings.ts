/**
 * Crossings of size limits, each told by one Executive of those that see it.
 *
 * What was told last of a table stands in `ctlstore_table_states`. Whoever moves that row on, under the condition that it
 * is still as it was read, tells. Each move carries a token of its own, so that one whose answer was lost is found in the
 * next round: it was ours if the token is there.
 *
 * Executives may be started with different limits, as while new ones take the place of old ones. Then the one that began
 * last tells, or the first that sees its own limit change; were each to tell what it finds, they would take turns for ever.
 */
import { randomBytes } from "node:crypto";
import { isCtlstoreError } from "../../core/errors.ts";
import type { FamilyName, TableName } from "../../core/names.ts";
import { textLiteral } from "../../core/sql/literals.ts";
import type { LedgerStore, SystemCell, SystemRow } from "../store.ts";
import type { SizeLimit, TableSize } from "./contract.ts";
import { isSameLimit, nextState, type SizeState, type ToldState } from "./size-states.ts";

export interface SizeCrossing {
  readonly family: FamilyName;
  readonly table: TableName;
  readonly from: SizeState;
  readonly to: SizeState;
  readonly bytes: bigint;
  readonly limit: SizeLimit | null;
  readonly atUs: number;
}

type StateStore = Pick<LedgerStore, "query" | "execute">;
type MeasuredTable = Pick<TableSize, "family" | "table" | "limit"> & { readonly bytes: bigint };

export interface StoredState extends ToldState {
  readonly token: string;
}

/** By the name of the table. */
export type ToldStates = ReadonlyMap<string, StoredState>;

const SELECT_STATES =
  "SELECT family_name, table_name, state, warn_size_bytes, max_size_bytes, token FROM ctlstore_table_states";
/** Of tables that were dropped: one that is made again is told of anew. */
const FORGET_DROPPED = `DELETE FROM ctlstore_table_states WHERE NOT EXISTS (SELECT 1 FROM ctlstore_tables
  WHERE ctlstore_tables.family_name = ctlstore_table_states.family_name
    AND ctlstore_tables.table_name = ctlstore_table_states.table_name)`;
const NEVER_TOLD: ToldState = { state: "ok", limit: null };

export class SizeCrossings {
  readonly #store: StateStore;
  /** The limits under which tables were looked at last, by name. */
  readonly #seen = new Map<string, SizeLimit | null>();
  /** Moves of ours whose answer was lost, by token. */
  readonly #unsure = new Map<string, SizeCrossing>();

  constructor(store: StateStore) {
    this.#store = store;
  }

  /**
   * What was told of every table. To be asked before the tables are measured: whoever then moves a state on with a figure
   * that is newer than ours wins, and a slow one does not take it back.
   */
  async told(): Promise<ToldStates> {
    const rows = await this.#store.query(SELECT_STATES);
    return new Map(rows.map((row) => [nameOf(String(row[0]), String(row[1])), toStored(row)]));
  }

  /**
   * The crossings that are ours to tell.
   * @param told what was told before the tables were measured
   * @throws CtlstoreError `ctldb_unavailable` before anything was moved
   */
  async claim(told: ToldStates, tables: readonly MeasuredTable[], atUs: number): Promise<SizeCrossing[]> {
    const known = new Set(tables.map(({ family, table }) => nameOf(family, table)));
    for (const name of this.#seen.keys()) if (!known.has(name)) this.#seen.delete(name);
    // Before anything is moved: what is ours by then must be told.
    if ([...told.keys()].some((name) => !known.has(name))) await this.#store.execute(FORGET_DROPPED);
    const ours = this.#found(told);
    for (const table of tables) {
      const crossing = await this.#move(table, told.get(nameOf(table.family, table.table)) ?? null, atUs);
      if (crossing !== null) ours.push(crossing);
    }
    return ours;
  }

  /** Moves whose answer was lost, and that took effect. The others did not, or somebody has moved on since. */
  #found(told: ToldStates): SizeCrossing[] {
    const tokens = new Set([...told.values()].map(({ token }) => token));
    const found = [...this.#unsure].filter(([token]) => tokens.has(token)).map(([, crossing]) => crossing);
    this.#unsure.clear();
    return found;
  }

  async #move(table: MeasuredTable, stored: StoredState | null, atUs: number): Promise<SizeCrossing | null> {
    const { state: from, limit } = stored ?? NEVER_TOLD;
    if (!this.#isOurs(table, stored)) return null;
    const to = nextState(stored ?? NEVER_TOLD, table.bytes, table.limit);
    if (from === to && (stored === null || isSameLimit(limit, table.limit))) return null;
    const token = randomBytes(16).toString("hex");
    const crossing: SizeCrossing = { ...table, from, to, atUs };
    const sql = stored === null ? insertState(crossing, token) : updateState(crossing, token, stored);
    try {
      const moved = (await this.#store.execute(sql)) === 1;
      return moved && from !== to ? crossing : null;
    } catch (error) {
      if (!isCtlstoreError(error)) throw error;
      // The answer was lost, or another Executive was quicker: the next round sees which.
      if (from !== to) this.#unsure.set(token, crossing);
      this.#seen.delete(nameOf(table.family, table.table));
      return null;
    }
  }

  /** False while somebody tells of this table by another limit, and ours is what it was. */
  #isOurs({ family, table, limit }: MeasuredTable, stored: StoredState | null): boolean {
    const name = nameOf(family, table);
    const seen = this.#seen.get(name);
    this.#seen.set(name, limit);
    if (stored === null || isSameLimit(stored.limit, limit)) return true;
    return seen === undefined || !isSameLimit(seen, limit);
  }
}

function insertState({ family, table, to, limit }: SizeCrossing, token: string): string {
  return `INSERT INTO ctlstore_table_states (family_name, table_name, state, warn_size_bytes, max_size_bytes, token)
    VALUES (${textLiteral(family)}, ${textLiteral(table)}, ${textLiteral(to)}, ${limit?.warnBytes ?? "NULL"},
      ${limit?.maxBytes ?? "NULL"}, ${textLiteral(token)})`;
}

function updateState({ family, table, to, limit }: SizeCrossing, token: string, stored: StoredState): string {
  return `UPDATE ctlstore_table_states SET state = ${textLiteral(to)}, warn_size_bytes = ${limit?.warnBytes ?? "NULL"},
      max_size_bytes = ${limit?.maxBytes ?? "NULL"}, token = ${textLiteral(token)}
    WHERE family_name = ${textLiteral(family)} AND table_name = ${textLiteral(table)}
      AND token = ${textLiteral(stored.token)}`;
}

function toStored([, , state, warn, max, token]: SystemRow): StoredState {
  return {
    state: state === "full" || state === "warn" ? state : "ok",
    limit: toLimit(warn, max),
    token: String(token),
  };
}

function toLimit(warn: SystemCell | undefined, max: SystemCell | undefined): SizeLimit | null {
  if (typeof warn !== "string" || typeof max !== "string") return null;
  return { warnBytes: BigInt(warn), maxBytes: BigInt(max) };
}

function nameOf(family: string, table: string): string {
  return `${family}/${table}`;
}
