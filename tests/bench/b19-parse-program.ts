/** Measures the decoder on whatever runtime it is started on; prints events per second of each contestant and round as JSON. */
import { createDecoder } from "../../loader/events/decoder.ts";
import type { KafkaRecord } from "../../loader/kafka/consumer.ts";
import { type Columns, changeRecord, column, flattened, kafkaRecord } from "../support/debezium.ts";

const EVENTS = 1_000;
const ROUNDS = 7;
/** Passes over the events in a round: a round takes tens of milliseconds. */
const PASSES = 10;

const DECIMAL = { name: "org.apache.kafka.connect.data.Decimal", version: 1, parameters: { scale: "2" } };
const COLUMNS: Columns = {
  id: column("int64", { optional: false }),
  first_name: column("string"),
  last_name: column("string"),
  email: column("string"),
  balance: column("bytes", DECIMAL),
  created_at: column("int64", { name: "io.debezium.time.MicroTimestamp", version: 1 }),
  active: column("int16"),
  notes: column("string"),
  ...Object.fromEntries(
    Array.from({ length: 8 }, (_, i) => [
      `address_line_${i}`,
      column("string", { parameters: { "__debezium.source.column.type": "VARCHAR" } }),
    ]),
  ),
};

function rowOf(i: number): Record<string, unknown> {
  return {
    id: 1_000 + i,
    first_name: "Anne-Marie",
    last_name: "Kretchmar",
    email: `annek+${i}@example.org`,
    balance: "Aaey",
    created_at: 1_732_300_800_123_456,
    active: 1,
    notes: 'a "quoted" note, ünïcödé and\na line',
    ...Object.fromEntries(Array.from({ length: 8 }, (_, j) => [`address_line_${j}`, null])),
  };
}

function recordsOf(make: (i: number) => KafkaRecord): KafkaRecord[] {
  return Array.from({ length: EVENTS }, (_, i) => make(i));
}

const change = (i: number) => ({ op: "u", before: rowOf(i), after: { ...rowOf(i), first_name: "Anne" } });
const SNOWFLAKE = 1_234_567_890_123_456_789n;
const FORMS: Readonly<Record<string, readonly KafkaRecord[]>> = {
  "envelope, no schema": recordsOf((i) => changeRecord(change(i))),
  "envelope, no schema, 19-digit ids": recordsOf((i) =>
    changeRecord({ op: "c", after: { ...rowOf(i), id: SNOWFLAKE + BigInt(i) } }),
  ),
  "envelope with schema": recordsOf((i) => changeRecord({ ...change(i), columns: COLUMNS })),
  flattened: recordsOf((i) =>
    kafkaRecord({ key: { id: i }, value: flattened(rowOf(i), { __deleted: "false" }) }),
  ),
};

const text = new TextDecoder("utf-8", { fatal: true });

/** What every decoder must do at least: the bytes as text, the text as JSON, key and value. */
function parsePlainly(record: KafkaRecord): unknown {
  return [record.key, record.value].map((bytes) => bytes && JSON.parse(text.decode(bytes)));
}

function eventsPerSecond(records: readonly KafkaRecord[], read: (record: KafkaRecord) => unknown): number {
  const started = performance.now();
  for (let pass = 0; pass < PASSES; pass++) for (const record of records) read(record);
  return (PASSES * records.length * 1_000) / (performance.now() - started);
}

const decoder = createDecoder();
const figures: Record<string, { bytes: number; ours: number[]; plain: number[] }> = {};
for (const [form, records] of Object.entries(FORMS))
  figures[form] = { bytes: records[0]?.value?.length ?? 0, ours: [], plain: [] };
for (let round = -1; round < ROUNDS; round++) {
  for (const [form, records] of Object.entries(FORMS)) {
    const ours = eventsPerSecond(records, (record) => decoder.decode(record));
    const plain = eventsPerSecond(records, parsePlainly);
    if (round < 0) continue; // warming up
    figures[form]?.ours.push(ours);
    figures[form]?.plain.push(plain);
  }
}
process.stdout.write(JSON.stringify(figures));
