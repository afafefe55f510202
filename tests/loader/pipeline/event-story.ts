/**
 * A random history of an origin's rows as Debezium's records on several partitions, and a model of what it comes to.
 *
 * Every write has a number of its own, so that the ledger shows how often each took effect, and in which order.
 */
import type { KafkaRecord } from "../../../loader/kafka/consumer.ts";
import {
  type Columns,
  type ConnectSchema,
  changeRecord,
  column,
  flattened,
  kafkaRecord,
  keyChangeHeaders,
  keySchema,
  type Row,
  rowSchema,
  schemaChange,
  tombstone,
  transactionBegin,
  transactionEnd,
  withSchema,
} from "../../support/debezium.ts";

export const STORY_FAMILY = "story";
export const TRANSACTION_TOPIC = "shop.transaction";

/** A table of the origin, its topic, and the table of ours that it goes to. */
export interface StoryTable {
  readonly table: string;
  readonly form: "envelope" | "flattened";
  readonly partitions: number;
}

export const topicOf = ({ table }: StoryTable): string => `shop.story.${table}`;

/** What happened to one row: the number of the write, or null when it went. */
export type Effect = number | null;

export interface StoryOptions {
  readonly tables: readonly StoryTable[];
  readonly keysPerTable: number;
  /** With the transaction topic. */
  readonly transactions: boolean;
  /** Now and then a record that is cut off; each has a number of its own. */
  readonly withBad?: boolean;
  readonly random: () => number;
}

const COLUMNS: Columns = {
  id: column("string", { optional: false }),
  n: column("int64"),
  note: column("string"),
};

const HEARTBEAT_SCHEMA: ConnectSchema = {
  type: "struct",
  fields: [column("int64", { field: "ts_ms" })],
  optional: false,
  name: "io.debezium.connector.common.Heartbeat",
};

const NOTES = ["", "it's", 'a "quote"', "é😀", "x".repeat(180), "NULL", "--", "tab\tline\nend"];

/** What is known of a record beside its bytes: the transaction that it is counted in. */
interface Draft {
  readonly table: StoryTable;
  readonly record: (transaction: { readonly id: string; readonly order: number } | null) => KafkaRecord;
  readonly isCounted: boolean;
}

export class EventStory {
  readonly #options: StoryOptions;
  /** By `table/id`: everything that happened to a row, in order. */
  readonly effects = new Map<string, Effect[]>();
  /** The numbers written by each transaction of the origin. */
  readonly transactions: number[][] = [];
  /** Rows' present values. */
  readonly #rows = new Map<string, Row>();
  /** Made so far. */
  records = 0;
  /** Records that cannot be loaded, made so far. */
  bad = 0;
  #number = 0;
  #clock = 1_732_300_000_000;

  constructor(options: StoryOptions) {
    this.#options = options;
  }

  /** The rows of a table as they should be in the end, by id. */
  rows(table: string): ReadonlyMap<string, Row> {
    const own = [...this.#rows].filter(([key]) => key.startsWith(`${table}/`));
    return new Map(own.map(([, row]) => [String(row["id"]), row]));
  }

  /** The next records, at least so many; whole transactions. */
  next(count: number): KafkaRecord[] {
    const records: KafkaRecord[] = [];
    while (records.length < count)
      records.push(...(this.#options.transactions ? this.#transaction() : this.#single()));
    this.records += records.length;
    return records;
  }

  #single(): KafkaRecord[] {
    this.#clock += 1 + this.#below(5);
    return [...this.#aside(), ...this.#step().map(({ record }) => record(null))];
  }

  #transaction(): KafkaRecord[] {
    this.#clock += 1 + this.#below(50);
    const id = `file=binlog.000001,pos=${this.#clock}`;
    const before = this.#number;
    const steps = Array.from({ length: 1 + this.#below(this.#chance(0.02) ? 60 : 8) }, () => this.#step());
    const counts: Record<string, number> = {};
    let order = 0;
    const records = steps.flat().map((draft) => {
      if (!draft.isCounted) return draft.record(null);
      const collection = `story.${draft.table.table}`;
      counts[collection] = (counts[collection] ?? 0) + 1;
      order += 1;
      return draft.record({ id, order });
    });
    this.transactions.push(Array.from({ length: this.#number - before }, (_, i) => before + i + 1));
    const topic = { topic: TRANSACTION_TOPIC, tsMs: this.#clock };
    return [transactionBegin(id, topic), ...records, transactionEnd(id, counts, topic)];
  }

  /** Records that are about no row. */
  #aside(): KafkaRecord[] {
    if (!this.#chance(0.01)) return [];
    const table = this.#pick(this.#options.tables);
    const parts = { topic: topicOf(table), partition: this.#below(table.partitions), tsMs: this.#clock };
    if (this.#options.withBad === true && this.#chance(0.5)) return [this.#badRecord(parts)];
    // Routed into a table's topic, a heartbeat without schema would be a row of one column.
    const value = withSchema(HEARTBEAT_SCHEMA, { ts_ms: this.#clock });
    if (this.#chance(0.5)) return [kafkaRecord({ ...parts, key: { serverName: "shop" }, value })];
    return [schemaChange("CREATE TABLE other (id INT)", parts)];
  }

  #badRecord(place: { readonly topic: string; readonly partition: number }): KafkaRecord {
    this.bad += 1;
    return kafkaRecord({ ...place, key: { id: `bad ${this.bad}` }, value: Buffer.from('{"before": ') });
  }

  /** One change at the origin. */
  #step(): Draft[] {
    const table = this.#pick(this.#options.tables);
    const id = this.#someKey();
    const old = this.#rows.get(`${table.table}/${id}`);
    if (old === undefined) return [this.#write(table, null, this.#newRow(id))];
    if (this.#chance(0.2)) return this.#delete(table, old, {});
    const other = this.#someKey();
    if (table.form === "envelope" && this.#chance(0.15) && !this.#rows.has(`${table.table}/${other}`))
      return this.#changeKey(table, old, other);
    return [this.#write(table, old, this.#newRow(id))];
  }

  #write(table: StoryTable, before: Row | null, after: Row, headers: Record<string, string> = {}): Draft {
    this.#happened(table, after, Number(after["n"]));
    this.#rows.set(rowName(table, after), after);
    const op = before === null ? (this.#chance(0.1) ? "r" : "c") : "u";
    return { table, isCounted: true, record: this.#recordMaker(table, { op, before, after, headers }) };
  }

  #delete(table: StoryTable, before: Row, headers: Record<string, string>): Draft[] {
    this.#happened(table, before, null);
    this.#rows.delete(rowName(table, before));
    const deletion: Draft = {
      table,
      isCounted: true,
      record: this.#recordMaker(table, { op: "d", before, after: null, headers }),
    };
    const record = this.#recordMaker(table, { op: "tombstone", before, after: null, headers: {} });
    const echo: Draft = { table, isCounted: false, record };
    // ExtractNewRecordState leaves the marked row, the tombstone, or both.
    if (table.form === "flattened") return this.#pick([[deletion], [echo], [deletion, echo]]);
    return this.#chance(0.9) ? [deletion, echo] : [deletion];
  }

  #changeKey(table: StoryTable, old: Row, id: string): Draft[] {
    const key = (row: Row) => ({ id: row["id"] });
    const row = this.#newRow(id);
    return [
      ...this.#delete(table, old, keyChangeHeaders("newkey", key(row))),
      this.#write(table, null, row, keyChangeHeaders("oldkey", key(old))),
    ];
  }

  #recordMaker(
    table: StoryTable,
    change: { op: string; before: Row | null; after: Row | null; headers: Record<string, string> },
  ): Draft["record"] {
    const row = change.after ?? change.before ?? {};
    const place = { topic: topicOf(table), partition: partitionOf(table, row), timestampMs: this.#clock };
    const isTyped = this.#chance(0.5);
    const tsMs = this.#clock;
    const plainKey = { id: row["id"] };
    const key = isTyped ? withSchema(keySchema(COLUMNS, ["id"], place.topic), plainKey) : plainKey;
    if (change.op === "tombstone") return () => tombstone(key, place);
    if (table.form === "flattened") {
      const value = flattened(row, { __deleted: change.op === "d" ? "true" : "false" });
      const columns = { ...COLUMNS, __deleted: column("string") };
      return () =>
        kafkaRecord({
          ...place,
          key,
          value: isTyped ? withSchema(rowSchema(columns, place.topic), value) : value,
        });
    }
    const columns = isTyped ? { columns: COLUMNS } : {};
    const parts = { ...change, ...place, ...columns, database: "story", table: table.table, tsMs };
    return (transaction) => changeRecord({ ...parts, transaction });
  }

  #happened(table: StoryTable, row: Row, effect: Effect): void {
    const name = rowName(table, row);
    const history = this.effects.get(name);
    if (history === undefined) this.effects.set(name, [effect]);
    else history.push(effect);
  }

  #newRow(id: string): Row {
    this.#number += 1;
    return { id, n: this.#number, note: this.#pick(NOTES) };
  }

  /** Some rows are changed far more often than others. */
  #someKey(): string {
    const { keysPerTable } = this.#options;
    return `k${this.#below(this.#chance(0.3) ? Math.min(20, keysPerTable) : keysPerTable)}`;
  }

  #chance(probability: number): boolean {
    return this.#options.random() < probability;
  }

  #below(bound: number): number {
    return Math.floor(this.#options.random() * bound);
  }

  #pick<T>(items: readonly T[]): T {
    const item = items[this.#below(items.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  }
}

const rowName = ({ table }: StoryTable, row: Row): string => `${table}/${String(row["id"])}`;

function partitionOf({ partitions }: StoryTable, row: Row): number {
  return Number(String(row["id"]).slice(1)) % partitions;
}
