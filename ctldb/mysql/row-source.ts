/**
 * The rows of a ctldb in MySQL: one connection and one consistent snapshot for each view.
 *
 * Tables are those of the catalog in that snapshot. In MySQL itself a table changes before its ledger entry exists;
 * a read that meets such a change says so and is tried again later.
 */
import { CtlstoreError } from "../../core/errors.ts";
import type { FieldType } from "../../core/field-types.ts";
import { type LdbTableName, ldbTableName } from "../../core/names.ts";
import type { FieldSchema } from "../../core/schema.ts";
import { type Sequence, toSequence } from "../../core/sequence.ts";
import { doubleQuoted } from "../../core/sql/identifiers.ts";
import { type Cell, InvalidText, type ReadManner, type RowSelection } from "../../core/sql/stored-rows.ts";
import type { LedgerChange, RowSource, RowView } from "../row-source.ts";
import type { FoundTable } from "../store.ts";
import { isTableChanged } from "./errors.ts";
import { exactColumn, findTables } from "./found-tables.ts";
import { loadCatalogInTransaction } from "./rows.ts";
import { type MysqlRow, MysqlSession, type MysqlTarget, type MysqlValue } from "./session.ts";
import { readMeta } from "./tables.ts";

/**
 * A transaction keeps the tables that it has read from being altered, and with one schema change every write waits.
 * Going back to a savepoint lets go of them, and keeps the snapshot.
 */
const BEGIN_SNAPSHOT = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY;SAVEPOINT no_table_read";
const LET_GO_OF_TABLES = "ROLLBACK TO SAVEPOINT no_table_read";

/** Nobody waits for these sessions: between two tables the LDB may be read for minutes. */
const IDLE_SECONDS = 3_600;
const LONGEST_READ_MS = 12 * 3_600_000;

export class MysqlRowSource implements RowSource {
  readonly #target: MysqlTarget;

  constructor({ url, timeouts }: MysqlTarget) {
    this.#target = { url, timeouts: { ...timeouts, sessionIdleSeconds: IDLE_SECONDS } };
  }

  async openView(): Promise<RowView> {
    const session = await MysqlSession.connect(this.#target);
    try {
      const isOurs = await looksLikeOurs(session);
      await session.execute(BEGIN_SNAPSHOT, "begin a snapshot");
      const head = await session.select("SELECT MAX(seq) FROM ctlstore_dml_ledger", "read the ledger's head");
      const meta = isOurs ? await readMeta(session) : new Map<string, string>();
      const epoch = meta.get("epoch") ?? null;
      return new MysqlRowView(session, {
        epoch,
        headSequence: toSequence(String(head[0]?.[0] ?? "0")),
        takeoverSequence: toSequence(meta.get("takeover_sequence") ?? "0"),
        ...(epoch === null ? await findTables(session) : await catalogTables(session)),
      });
    } catch (error) {
      session.destroy();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

type ViewState = Pick<RowView, "epoch" | "headSequence" | "takeoverSequence" | "tables" | "foreign">;

class MysqlRowView implements RowView {
  readonly epoch: string | null;
  readonly headSequence: Sequence;
  readonly takeoverSequence: Sequence;
  readonly tables: readonly FoundTable[];
  readonly foreign: readonly LdbTableName[];
  readonly #session: MysqlSession;

  constructor(session: MysqlSession, state: ViewState) {
    this.#session = session;
    this.epoch = state.epoch;
    this.headSequence = state.headSequence;
    this.takeoverSequence = state.takeoverSequence;
    this.tables = state.tables;
    this.foreign = state.foreign;
  }

  async hashAt(sequence: Sequence): Promise<Uint8Array | null> {
    if (this.epoch === null) return null;
    const sql = `SELECT hash FROM ctlstore_dml_ledger WHERE seq = ${sequence}`;
    const hash = (await this.#session.select(sql, "read the ledger"))[0]?.[0];
    return Buffer.isBuffer(hash) ? hash : null;
  }

  async changesAfter(sequence: Sequence, onChange: (change: LedgerChange) => boolean): Promise<void> {
    const sql = `SELECT seq, statement FROM ctlstore_dml_ledger WHERE seq > ${sequence} ORDER BY seq`;
    const onRow = ([seq, statement]: MysqlRow) =>
      onChange({ sequence: toSequence(String(seq)), statement: String(statement) });
    await this.#session.stream(sql, onRow, "read the ledger", this.#session.timeouts.ddlMs);
  }

  async readRows(
    selection: RowSelection,
    manner: ReadManner,
    onRow: (cells: readonly Cell[]) => void,
  ): Promise<boolean> {
    const fields = this.#fieldsOf(selection);
    const decode = fields.map(({ type }) => DECODERS[type]);
    const cells = new Array<Cell>(fields.length).fill(null);
    // Thrown inside the driver it would end the process.
    let failure: { readonly cause: unknown } | null = null;
    const take = (row: MysqlRow) => {
      try {
        for (let i = 0; i < decode.length; i++) {
          const value = row[i] ?? null;
          cells[i] = value === null ? null : (decode[i]?.(value) ?? null);
        }
        onRow(cells);
        return true;
      } catch (cause) {
        failure = { cause };
        return false;
      }
    };
    const action = `read table ${selection.table}`;
    const sql = selectRows(selection, fields, manner);
    const { queryMs, ddlMs } = this.#session.timeouts;
    try {
      // The server sorts a table before it sends the first row.
      await this.#stream(sql, take, { action, patienceMs: manner.order === "key" ? ddlMs : queryMs });
    } catch (error) {
      if (isTableChanged(error)) return false;
      throw error;
    }
    if (failure !== null) throw (failure as { readonly cause: unknown }).cause;
    await this.#session.execute(LET_GO_OF_TABLES, action);
    return true;
  }

  /** As long as rows come, however many they are; a server that falls silent is given up (R20). */
  async #stream(
    sql: string,
    onRow: (row: MysqlRow) => boolean,
    { action, patienceMs }: { readonly action: string; readonly patienceMs: number },
  ): Promise<void> {
    let rows = 0;
    let seen = -1;
    const watch = setInterval(() => {
      if (rows === seen) this.#session.destroy();
      seen = rows;
    }, patienceMs);
    const take = (row: MysqlRow) => {
      rows += 1;
      return onRow(row);
    };
    try {
      await this.#session.stream(sql, take, action, LONGEST_READ_MS);
    } finally {
      clearInterval(watch);
    }
  }

  #fieldsOf({ table, fields }: RowSelection): FieldSchema[] {
    const found = this.tables.find(({ name }) => name === table);
    return fields.map((wanted) => {
      const field = found?.fields.find(({ name }) => name === wanted);
      if (field === undefined) throw new Error(`no field ${wanted} in ${table}`);
      return field;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
  }
}

const DECODERS: Readonly<Record<FieldType, (value: Exclude<MysqlValue, null>) => Cell>> = {
  integer: (value) => BigInt(value as string | number),
  decimal: Number,
  string: textCell,
  text: textCell,
  binary: (value) => value as Buffer,
  bytestring: (value) => value as Buffer,
};

/** A column that is not text for MySQL comes as bytes: somebody has changed it by hand. */
function textCell(value: Exclude<MysqlValue, null>): Cell {
  return typeof value === "string" ? value : new InvalidText(Buffer.from(value as Buffer));
}

function selectRows(
  { table, keyFields }: RowSelection,
  fields: readonly FieldSchema[],
  manner: ReadManner,
): string {
  const key = keyFields.flatMap((wanted) => fields.filter(({ name }) => name === wanted));
  const order = manner.order === "key" ? ` ORDER BY ${key.map(byBytes).join(", ")}` : "";
  return `SELECT ${fields.map(exactColumn).join(", ")} FROM ${doubleQuoted(table)}${order}`;
}

/** Tables of the original may have collations that order otherwise. */
function byBytes({ name, type }: FieldSchema): string {
  const column = doubleQuoted(name);
  return type === "string" ? `CAST(CONVERT(${column} USING utf8mb4) AS BINARY)` : column;
}

/** False for a ctldb that only the original has written. @throws CtlstoreError `ctldb_unavailable` */
async function looksLikeOurs(session: MysqlSession): Promise<boolean> {
  const found = await session.select(
    `SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()
     AND table_name IN ('ctlstore_dml_ledger', 'ctlstore_meta')`,
    "look at the ctldb",
  );
  const names = found.map(([name]) => String(name));
  if (names.includes("ctlstore_dml_ledger")) return names.includes("ctlstore_meta");
  throw new CtlstoreError("ctldb_unavailable", "Cannot read the ctldb: it is not initialised yet", {
    hint: "start an Executive on it, or check the database's name",
  });
}

async function catalogTables(session: MysqlSession): Promise<Pick<RowView, "tables" | "foreign">> {
  const catalog = await loadCatalogInTransaction(session);
  const tables = catalog.tables().map(({ family, table, fields, keyFields }) => ({
    name: ldbTableName(family, table),
    fields,
    keyFields,
  }));
  return { tables, foreign: [] };
}
