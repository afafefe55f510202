/** The binlog of the origin as a stream of whole transactions and of statements that change tables. */
import ZongJi, { type AnyBinlogEvent } from "@vlasky/zongji";
import type { MysqlServer } from "../mysql-server.ts";
import { MYSQL_PASSWORD } from "../secrets.ts";
import { until } from "../until.ts";
import { choicesOf } from "./column-codec.ts";

export interface BinlogPosition {
  readonly file: string;
  readonly pos: number;
}

export type OriginRow = Readonly<Record<string, unknown>>;

export interface RowChange {
  readonly database: string;
  readonly table: string;
  /** Null of an insert. */
  readonly before: OriginRow | null;
  /** Null of a delete. */
  readonly after: OriginRow | null;
  readonly tsMs: number;
}

export type BinlogItem =
  | { readonly kind: "transaction"; readonly gtid: string; readonly changes: readonly RowChange[] }
  | { readonly kind: "ddl"; readonly statement: string; readonly tsMs: number };

export interface Binlog extends AsyncDisposable {
  /** Up to where everything has been handed on. */
  readonly position: BinlogPosition;
  /** Waits until what the server has written by now has been handed on. @throws Error what the reader or `onItem` threw */
  caughtUp(): Promise<void>;
}

let nextServerId = 1_000;

/** Reads from `start` on; `onItem` is called for one item at a time, in order. */
export async function readBinlog(
  server: MysqlServer,
  start: BinlogPosition,
  onItem: (item: BinlogItem) => Promise<void>,
): Promise<Binlog> {
  const reader = new ZongJi({
    host: "127.0.0.1",
    port: server.port,
    user: "app",
    password: MYSQL_PASSWORD,
    dateStrings: true,
    timezone: "+00:00",
  });
  let failure: unknown = null;
  let queue = Promise.resolve();
  let handed = start;
  let file = start.file;
  const assembler = new Assembler();
  reader.on("error", (error) => {
    failure ??= error;
  });
  reader.on("binlog", (event) => {
    if (event.getTypeName() === "TableMap") nameChoices(reader, (event as { tableId: number }).tableId);
    if (event.getTypeName() === "Rotate") file = (event as { binlogName: string }).binlogName;
    const item = assembler.push(event);
    const position = { file, pos: event.nextPosition };
    queue = queue
      .then(async () => {
        if (item !== null) await onItem(item);
        // Events that the server makes for its readers alone have no position.
        if (position.pos > 0) handed = position;
      })
      .catch((error) => {
        failure ??= error;
      });
  });
  await new Promise<void>((resolve) => {
    reader.on("ready", resolve);
    reader.start({ serverId: nextServerId++, filename: start.file, position: start.pos });
  });
  return {
    get position() {
      return handed;
    },
    async caughtUp() {
      const end = await binlogEnd(server);
      await until(() => failure !== null || (handed.file === end.file && handed.pos >= end.pos), {
        what: `the connector to read the binlog up to ${end.file}:${end.pos}`,
        deadlineMs: 60_000,
      });
      if (failure !== null) throw failure;
    },
    async [Symbol.asyncDispose]() {
      reader.stop();
      await queue;
    },
  };
}

/** The reader misreads values of an ENUM or a SET that hold a comma or a quote, unless it is told them. */
function nameChoices(reader: ZongJi, tableId: number): void {
  const { columnSchemas = [] } = reader.tableMap[tableId] ?? {};
  for (const schema of columnSchemas as unknown as Record<string, unknown>[]) {
    const type = String(schema["COLUMN_TYPE"]);
    if (type.startsWith("enum(")) schema["ENUM_VALUES"] = choicesOf(type);
    if (type.startsWith("set(")) schema["SET_VALUES"] = choicesOf(type);
  }
}

export async function binlogEnd(server: MysqlServer): Promise<BinlogPosition> {
  const rows = (await server.admin("SHOW MASTER STATUS")) as readonly { File: string; Position: number }[];
  const [row] = rows;
  if (row === undefined) throw new Error("the origin writes no binlog");
  return { file: row.File, pos: row.Position };
}

/** Puts a transaction's events together. */
class Assembler {
  #changes: RowChange[] = [];
  readonly #tables = new Map<number, { readonly database: string; readonly table: string }>();

  push(event: AnyBinlogEvent): BinlogItem | null {
    const tsMs = event.timestamp;
    switch (event.getTypeName()) {
      case "TableMap": {
        const { tableId, schemaName, tableName } = event as {
          tableId: number;
          schemaName: string;
          tableName: string;
        };
        this.#tables.set(tableId, { database: schemaName, table: tableName });
        return null;
      }
      case "WriteRows":
      case "UpdateRows":
      case "DeleteRows":
        this.#changes.push(...this.#changesOf(event, tsMs));
        return null;
      case "Xid":
        return this.#end(event);
      case "Query": {
        const { query } = event as { query: string };
        if (query === "COMMIT") return this.#end(event);
        return query === "BEGIN" ? null : { kind: "ddl", statement: query, tsMs };
      }
      default:
        return null;
    }
  }

  #end(event: AnyBinlogEvent): BinlogItem {
    const changes = this.#changes;
    this.#changes = [];
    return { kind: "transaction", gtid: String(event.gtid), changes };
  }

  #changesOf(event: AnyBinlogEvent, tsMs: number): RowChange[] {
    const { tableId, rows } = event as { tableId: number; rows: readonly OriginRow[] };
    const table = this.#tables.get(tableId);
    if (table === undefined) throw new Error(`the binlog has rows of an unknown table ${tableId}`);
    const kind = event.getTypeName();
    return rows.map((row) => {
      const images =
        kind === "WriteRows"
          ? { before: null, after: row }
          : kind === "DeleteRows"
            ? { before: row, after: null }
            : (row as { before: OriginRow; after: OriginRow });
      return { ...table, ...images, tsMs };
    });
  }
}
