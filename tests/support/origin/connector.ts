/**
 * A stand-in for Debezium, which is a Java program and not here: it reads a real origin's tables and binlog, and writes
 * the records that Debezium's connector for MariaDB would, in its order.
 *
 * Whoever changes a table waits until the connector has read what came before (`alter` does): the binlog's reader asks the
 * server for a table's columns when it reads, where Debezium keeps a history of them.
 */
import type { RowDataPacket } from "mysql2/promise";
import type { KafkaRecord } from "../../../loader/kafka/consumer.ts";
import {
  type Columns,
  changeRecord,
  jsonText,
  keyChangeHeaders,
  type Row,
  tombstone,
  transactionBegin,
  transactionEnd,
} from "../debezium.ts";
import { type Binlog, type BinlogItem, type BinlogPosition, type RowChange, readBinlog } from "./binlog.ts";
import { type ColumnCodec, type ConnectorModes, codecOf, DEFAULT_MODES } from "./column-codec.ts";
import type { Origin } from "./origin.ts";

export interface ConnectorOptions {
  readonly origin: Origin;
  /** Topics are `<prefix>.<database>.<table>` and `<prefix>.transaction`. */
  readonly prefix: string;
  /** Of every topic of a table. */
  readonly partitions: number;
  readonly modes?: Partial<ConnectorModes>;
  /** `schemas.enable` of the converters. */
  readonly schemas: boolean;
  /** `provide.transaction.metadata`. */
  readonly transactions: boolean;
  /** Resolves when Kafka has them. */
  produce(records: readonly KafkaRecord[]): Promise<void>;
}

interface Table {
  readonly name: string;
  readonly key: readonly string[];
  readonly codecs: ReadonlyMap<string, ColumnCodec>;
  readonly schemas: Columns;
}

export class Connector implements AsyncDisposable {
  readonly #options: ConnectorOptions;
  readonly #tables = new Map<string, Table>();
  #binlog: Binlog | null = null;

  constructor(options: ConnectorOptions) {
    this.#options = options;
  }

  topicOf(table: string): string {
    return `${this.#options.prefix}.${this.#options.origin.database}.${table}`;
  }

  /** Reads the tables whole in one consistent state, then follows the binlog from there. */
  async start(tables: readonly string[]): Promise<void> {
    const { origin, produce } = this.#options;
    const connection = await origin.connect();
    try {
      await connection.query("START TRANSACTION WITH CONSISTENT SNAPSHOT");
      const [status] = await connection.query<RowDataPacket[]>("SHOW STATUS LIKE 'binlog_snapshot_%'");
      const statusOf = (name: string) =>
        String(status.find((row) => String(row["Variable_name"]).toLowerCase() === name)?.["Value"]);
      for (const [index, name] of tables.entries()) {
        const [rows] = await connection.query<RowDataPacket[]>(`SELECT * FROM \`${name}\``);
        const place = { isFirst: index === 0, isLast: index === tables.length - 1 };
        await produce(this.#snapshotRecords(await this.#table(name), rows, place));
      }
      const position = {
        file: statusOf("binlog_snapshot_file"),
        pos: Number(statusOf("binlog_snapshot_position")),
      };
      await this.follow(position);
    } finally {
      await connection.end();
    }
  }

  /** Follows the binlog from a place in it. */
  async follow(position: BinlogPosition): Promise<void> {
    this.#binlog = await readBinlog(this.#options.origin.server, position, (item) => this.#handOn(item));
  }

  /** Waits until Kafka has everything that the origin has committed by now. */
  async caughtUp(): Promise<void> {
    await this.#binlog?.caughtUp();
  }

  /** Changes a table. */
  async alter(sql: string): Promise<void> {
    await this.caughtUp();
    await this.#options.origin.query(sql);
    await this.caughtUp();
  }

  /** Stops following, and says where it was. */
  async stop(): Promise<BinlogPosition | null> {
    const binlog = this.#binlog;
    this.#binlog = null;
    await binlog?.[Symbol.asyncDispose]();
    return binlog?.position ?? null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #table(name: string): Promise<Table> {
    const known = this.#tables.get(name);
    if (known !== undefined) return known;
    const columns = await this.#options.origin.columns(name);
    const modes = { ...DEFAULT_MODES, ...this.#options.modes };
    const codecs = new Map(columns.map((column) => [column.name, codecOf(column, modes)]));
    const table = {
      name,
      key: columns.filter((column) => column.isKey).map((column) => column.name),
      codecs,
      schemas: Object.fromEntries([...codecs].map(([column, codec]) => [column, codec.schema])),
    };
    this.#tables.set(name, table);
    return table;
  }

  #snapshotRecords(table: Table, rows: readonly Row[], place: Place): KafkaRecord[] {
    return rows.map((row, i) => {
      const snapshot = snapshotMark(place, { isFirst: i === 0, isLast: i === rows.length - 1 });
      return this.#record(table, { op: "r", after: encodeRow(table, row), snapshot, tsMs: Date.now() });
    });
  }

  async #handOn(item: BinlogItem): Promise<void> {
    if (item.kind === "ddl") {
      this.#tables.clear();
      const truncated = /^\s*truncate\s+(?:table\s+)?`?(\w+)`?/i.exec(item.statement)?.[1];
      if (truncated === undefined) return;
      const table = await this.#table(truncated);
      await this.#options.produce([this.#record(table, { op: "t", key: null, tsMs: item.tsMs })]);
      return;
    }
    const own = item.changes.filter(({ database }) => database === this.#options.origin.database);
    if (own.length > 0) await this.#options.produce(await this.#transaction(item.gtid, own));
  }

  async #transaction(id: string, changes: readonly RowChange[]): Promise<KafkaRecord[]> {
    const counts: Record<string, number> = {};
    const records: KafkaRecord[] = [];
    let order = 0;
    const next = (collection: string) => {
      counts[collection] = (counts[collection] ?? 0) + 1;
      order += 1;
      return this.#options.transactions ? { id, order } : null;
    };
    for (const change of changes) {
      const table = await this.#table(change.table);
      records.push(...this.#changeRecords(table, change, () => next(`${change.database}.${change.table}`)));
    }
    if (!this.#options.transactions) return records;
    const topic = `${this.#options.prefix}.transaction`;
    const tsMs = changes[0]?.tsMs ?? 0;
    return [transactionBegin(id, { topic, tsMs }), ...records, transactionEnd(id, counts, { topic, tsMs })];
  }

  /** An update of the primary key is a delete, its tombstone and a create. */
  #changeRecords(
    table: Table,
    { before, after, tsMs }: RowChange,
    transaction: () => { id: string; order: number } | null,
  ): KafkaRecord[] {
    const old = before && encodeRow(table, before);
    const now = after && encodeRow(table, after);
    const oldKey = old && keyOf(table, old);
    const newKey = now && keyOf(table, now);
    if (old !== null && now !== null && oldKey !== null && newKey !== null) {
      if (jsonText(oldKey) === jsonText(newKey))
        return [this.#record(table, { op: "u", before: old, after: now, tsMs, transaction: transaction() })];
      const headers = {
        oldkey: keyChangeHeaders("oldkey", oldKey),
        newkey: keyChangeHeaders("newkey", newKey),
      };
      return [
        ...this.#deletion(table, { before: old, tsMs, transaction: transaction(), headers: headers.newkey }),
        this.#record(table, {
          op: "c",
          after: now,
          tsMs,
          transaction: transaction(),
          headers: headers.oldkey,
        }),
      ];
    }
    if (now !== null) return [this.#record(table, { op: "c", after: now, tsMs, transaction: transaction() })];
    return this.#deletion(table, { before: old, tsMs, transaction: transaction() });
  }

  #deletion(table: Table, parts: Omit<Parameters<typeof changeRecord>[0], "op">): KafkaRecord[] {
    const deletion = this.#record(table, { ...parts, op: "d" });
    const { topic, partition, key } = deletion;
    return [deletion, tombstone(key, { topic, partition })];
  }

  #record(table: Table, parts: Parameters<typeof changeRecord>[0]): KafkaRecord {
    const { origin, partitions, schemas } = this.#options;
    const record = changeRecord({
      connector: "mariadb",
      database: origin.database,
      table: table.name,
      topic: this.topicOf(table.name),
      key: table.key,
      timestampMs: parts.tsMs ?? null,
      ...(schemas ? { columns: table.schemas } : {}),
      ...parts,
    });
    return { ...record, partition: record.key === null ? 0 : hashOf(record.key) % partitions };
  }
}

type Place = Readonly<Record<"isFirst" | "isLast", boolean>>;

/** One mark for each row; of several that would do, Debezium takes the first of these. */
function snapshotMark(table: Place, row: Place): string {
  if (table.isLast && row.isLast) return "last";
  if (table.isFirst && row.isFirst) return "first";
  if (row.isLast) return "last_in_data_collection";
  return row.isFirst ? "first_in_data_collection" : "true";
}

function encodeRow({ codecs }: Table, row: Row): Row {
  const values = [...codecs].map(([name, codec]) => {
    const value = row[name];
    return [name, value === null || value === undefined ? null : codec.encode(value)];
  });
  return Object.fromEntries(values);
}

function keyOf({ key }: Table, row: Row): Row {
  return Object.fromEntries(key.map((name) => [name, row[name]]));
}

/** Any hash will do that is the same for the same key: FNV-1a. */
function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
