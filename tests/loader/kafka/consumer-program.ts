/**
 * The real Kafka client at work, for its tests: `node consumer-program.mjs SCENARIO BROKERS [ARGUMENT]`. It prints one line
 * of JSON for each thing that a test looks at. SIGUSR2 tells it to go on.
 */
import { isCtlstoreError } from "../../../core/errors.ts";
import { createKafka } from "../../../loader/kafka/client.ts";
import type { KafkaConsumer, KafkaRecord, Position, TopicPartition } from "../../../loader/kafka/consumer.ts";

const [scenario = "", brokers = "", argument = ""] = process.argv.slice(2);

/** Brokers of tests answer at the end of a partition after this time only, records or not. */
const SETTINGS = {
  "fetch.wait.max.ms": "10",
  "session.timeout.ms": "1500",
  "heartbeat.interval.ms": "200",
};
const WAIT_MS = 50;

const say = (what: string, more: object = {}) => console.log(JSON.stringify({ what, ...more }));

function goOn(): Promise<void> {
  return new Promise((resolve) => process.once("SIGUSR2", () => resolve()));
}

const kafka = createKafka({ brokers, group: "readers", settings: SETTINGS });

const digestOf = (record: KafkaRecord) => ({
  partition: record.partition,
  offset: record.offset,
  key: record.key === null ? null : Buffer.from(record.key).toString("latin1"),
  value: record.value === null ? null : Buffer.from(record.value.subarray(0, 20)).toString("latin1"),
  bytes: record.value?.length ?? -1,
  headers: Object.fromEntries([...record.headers].map(([name, value]) => [name, String(value)])),
  timestampMs: record.timestampMs,
});

/** Fetches until it has `count` records. */
async function read(consumer: KafkaConsumer, count: number): Promise<KafkaRecord[]> {
  const records: KafkaRecord[] = [];
  while (records.length < count) {
    const fetched = await consumer.fetch(WAIT_MS);
    records.push(...fetched.records);
  }
  return records;
}

/** Fetches until so many partitions have been read to their ends. */
async function readToEnds(consumer: KafkaConsumer, partitions: number) {
  const records: KafkaRecord[] = [];
  const ends = new Map<number, number>();
  while (ends.size < partitions) {
    const fetched = await consumer.fetch(WAIT_MS);
    records.push(...fetched.records);
    for (const { partition, next } of fetched.ends) ends.set(partition, next);
  }
  return { records, ends: Object.fromEntries(ends) };
}

/**
 * Fetches until each of the partitions has been read to its last record, by these records and those that came `before`. The
 * end of a partition is told once, perhaps in a fetch whose ends nobody looked at.
 */
async function readAllOf(
  consumer: KafkaConsumer,
  partitions: readonly TopicPartition[],
  before: readonly KafkaRecord[],
): Promise<KafkaRecord[]> {
  const records: KafkaRecord[] = [];
  const missing = new Set<string>();
  for (const one of partitions) missing.add(`${one.partition}:${(await consumer.watermarks(one)).high - 1}`);
  const see = (seen: readonly KafkaRecord[]) => {
    for (const { partition, offset } of seen) missing.delete(`${partition}:${offset}`);
  };
  see(before);
  while (missing.size > 0) {
    const fetched = await consumer.fetch(WAIT_MS);
    records.push(...fetched.records);
    see(fetched.records);
  }
  return records;
}

const positions = (topic: string, partitions: number, next = 0): readonly Position[] =>
  Array.from({ length: partitions }, (_, partition) => ({ topic, partition, next }));

/** The offsets that came of each partition, in the order in which they came. */
function offsetsOf(records: readonly KafkaRecord[]): Readonly<Record<number, number[]>> {
  const offsets: Record<number, number[]> = {};
  for (const { partition, offset } of records) {
    const list = offsets[partition] ?? [];
    offsets[partition] = list;
    list.push(offset);
  }
  return offsets;
}

const SCENARIOS: Readonly<Record<string, () => Promise<void>>> = {
  async everything() {
    const consumer = kafka.consumer();
    const counts = await consumer.partitionsOf(["odd", "many"]);
    say("partitions", { counts: Object.fromEntries(counts) });
    say("watermarks", await consumer.watermarks({ topic: "odd", partition: 1 }));
    consumer.assign(positions("odd", 2));
    const { records, ends } = await readToEnds(consumer, 2);
    say("records", { records: records.map(digestOf), ends });
    await consumer.close();
  },

  async unknown() {
    const consumer = kafka.consumer();
    await consumer.partitionsOf([argument]);
  },

  async throughput() {
    const consumer = kafka.consumer();
    consumer.assign(positions("many", 8));
    const startMs = performance.now();
    const { records, ends } = await readToEnds(consumer, 8);
    const seconds = (performance.now() - startMs) / 1000;
    const isInOrder = Object.values(offsetsOf(records)).every((list) =>
      list.every((offset, at) => offset === at),
    );
    say("read", {
      count: records.length,
      isInOrder,
      ends,
      perSecond: Math.round(records.length / seconds),
      rssMiB: Math.round(process.memoryUsage().rss / 2 ** 20),
    });
    await consumer.close();
  },

  /** Pauses, resumes and begins anew while records stream in; nothing may be lost, repeated or out of order. */
  async steering() {
    const consumer = kafka.consumer();
    consumer.assign(positions("many", 8, 10));
    const first = await read(consumer, 500);
    const paused: TopicPartition = { topic: "many", partition: 3 };
    consumer.pause([paused]);
    // What this one hands out may have been fetched before the pause.
    const before = [...first, ...(await consumer.fetch(WAIT_MS)).records];
    const others = positions("many", 8).filter(({ partition }) => partition !== paused.partition);
    const during = await readAllOf(consumer, others, before);
    consumer.resume([paused]);
    const after = await readAllOf(consumer, [paused], before);
    const all = [...before, ...during, ...after];
    say("paused", {
      duringOfPaused: during.filter(({ partition }) => partition === 3).length,
      offsets: summary(offsetsOf(all)),
    });
    // Anew in the middle of a fetch: what it brings is of the old assignment.
    consumer.assign(positions("many", 8, 0));
    await read(consumer, 100);
    const underway = consumer.fetch(WAIT_MS);
    await new Promise((resolve) => setImmediate(resolve));
    consumer.assign(positions("many", 8, 2));
    const dropped = await underway;
    const again = await readToEnds(consumer, 8);
    say("anew", { dropped: dropped.records.length, offsets: summary(offsetsOf(again.records)) });
    await consumer.close();
  },

  /** Begins anew while partitions are paused, and while one of those is not read: all of it must come. */
  async pausedAnew() {
    const consumer = kafka.consumer();
    consumer.assign(positions("many", 8));
    await read(consumer, 100);
    consumer.pause(positions("many", 3));
    await consumer.fetch(WAIT_MS);
    consumer.assign(positions("many", 8).slice(1));
    await readToEnds(consumer, 7);
    consumer.assign(positions("many", 8));
    const { records } = await readToEnds(consumer, 8);
    say("anew", { offsets: summary(offsetsOf(records)) });
    await consumer.close();
  },

  /** A record that is next is removed by retention before it is read. */
  async lost() {
    const consumer = kafka.consumer();
    consumer.assign(positions("many", 1, Number(argument)));
    consumer.pause([{ topic: "many", partition: 0 }]);
    await consumer.fetch(WAIT_MS);
    say("paused");
    await goOn();
    consumer.resume([{ topic: "many", partition: 0 }]);
    for (;;) await consumer.fetch(WAIT_MS);
  },

  async beyond() {
    const consumer = kafka.consumer();
    consumer.assign(positions("many", 1, Number(argument)));
    for (;;) await consumer.fetch(WAIT_MS);
  },

  async outage() {
    const consumer = kafka.consumer();
    consumer.assign(positions("many", 8));
    const { records } = await readToEnds(consumer, 8);
    const troubles: string[] = [];
    say("read", { count: records.length });
    while (troubles.length === 0) {
      await consumer.fetch(WAIT_MS);
      troubles.push(...consumer.takeTroubles());
    }
    say("trouble", { troubles });
    const more = await read(consumer, 80);
    say("again", { offsets: summary(offsetsOf(more)) });
    await consumer.close();
  },

  async moving() {
    const consumer = kafka.consumer();
    consumer.assign(positions("many", 8));
    const { records } = await readToEnds(consumer, 8);
    say("read", { count: records.length });
    const more = await read(consumer, 80);
    say("again", { offsets: summary(offsetsOf(more)) });
    await consumer.close();
  },

  /** One member of the group; says what it is given and what is taken, and reads what it is given from the beginning. */
  async member() {
    const consumer = kafka.consumer();
    let stopping = false;
    let records = 0;
    let ofOthers = 0;
    process.once("SIGUSR2", () => {
      stopping = true;
    });
    consumer.join(["many"], {
      onAssigned(partitions) {
        say("assigned", { partitions: partitions.map(({ partition }) => partition).sort() });
        records = 0;
        ofOthers = 0;
        // Also one that the group gave to nobody or to somebody else: lanes need it.
        const own = partitions.map((one) => ({ ...one, next: 0 }));
        consumer.assign(own.length === 0 ? [] : [...own, { topic: "odd", partition: 0, next: 0 }]);
      },
      onRevoked: (lost) => say("revoked", { lost }),
    });
    while (!stopping) {
      const fetched = await consumer.fetch(WAIT_MS);
      records += fetched.records.length;
      ofOthers += fetched.records.filter(({ topic }) => topic === "odd").length;
      consumer.commit(fetched.ends);
      if (fetched.ends.length > 0) say("read", { records, ofOthers });
    }
    await consumer.close();
    say("closed");
  },

  async producer() {
    const producer = kafka.producer();
    const record = {
      topic: argument,
      key: Buffer.from("key"),
      value: Buffer.from("välue"),
      headers: { a: "1", b: "ü" },
    };
    await producer.send(record);
    await producer.send({ ...record, key: null, value: null, headers: {} });
    const aborted = await producer.send(record, AbortSignal.abort(new Error("stopped"))).catch(String);
    await producer.send({ ...record, value: Buffer.alloc(3_000_000) });
    await producer.close();
    say("sent", { aborted });
  },

  async login() {
    const settings = {
      "security.protocol": "sasl_plaintext",
      "sasl.mechanisms": "PLAIN",
      "sasl.username": "user",
      "sasl.password": "s3cr3t-sasl",
    };
    await createKafka({ brokers, group: "g", settings }).consumer().partitionsOf(["many"]);
  },

  async settings() {
    const wrong = createKafka({
      brokers,
      group: "g",
      settings: { "sasl.password": "s3cr3t-sasl", "security.protocol": "s3cr3t-sasl" },
    });
    await wrong.consumer().partitionsOf(["many"]);
  },
};

/** `count from..to`, with "!" behind it when they are not all in a row. */
function summary(offsets: Readonly<Record<number, readonly number[]>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(offsets).map(([partition, list]) => {
      const [first = -1] = list;
      const isInARow = list.every((offset, at) => offset === first + at);
      return [partition, `${list.length} ${first}..${list.at(-1)}${isInARow ? "" : "!"}`];
    }),
  );
}

try {
  await SCENARIOS[scenario]?.();
  say("done");
} catch (error) {
  const failure = isCtlstoreError(error)
    ? { code: error.code, message: error.message, hint: error.details.hint }
    : { code: String(error) };
  say("failed", failure);
}
process.exit(0);
