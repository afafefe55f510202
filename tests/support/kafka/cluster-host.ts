/**
 * The process that hosts the tests' Kafka cluster: `bun cluster-host.ts BROKERS REBALANCE_DELAY_MS`.
 *
 * Prints one line of JSON, `{"brokers":"127.0.0.1:…,…","control":"http://…"}`, then does what is posted to `control`
 * (cluster-commands.ts). Everything is in memory and ends with the process.
 */
import { type Pointer, ptr, read } from "bun:ffi";
import { deserialize, serialize } from "node:v8";
import { turnOfEventLoop } from "../../../core/process/turn.ts";
import type { ClusterAnswer, ClusterCommand, ProducedRecord } from "./cluster-commands.ts";
import { cText, type Librdkafka, loadLibrdkafka } from "./librdkafka.ts";

/** RD_KAFKA_PRODUCER; a mock cluster needs a client to live in, and this kind asks for nothing. */
const PRODUCER = 0;
const EVENT_DELIVERY = 1;
/** RD_KAFKA_RESP_ERR__QUEUE_FULL */
const QUEUE_FULL = -184;
/** RD_KAFKA_MSG_F_COPY */
const COPY = 2;
/** rd_kafka_vtype_t */
const VU = {
  topic: 1,
  partition: 3,
  value: 4,
  key: 5,
  opaque: 6,
  flags: 7,
  timestamp: 8,
  header: 9,
} as const;
/** sizeof(rd_kafka_vu_t) */
const VU_BYTES = 72;

/** As Bun hands pointers out. */
type Handle = Pointer | bigint;

interface Client {
  readonly handle: Handle;
  /** The deliveries that are not yet known. */
  readonly queue: Handle;
}

function newClient(lib: Librdkafka, settings: Readonly<Record<string, string>>): Client {
  const conf = lib.rd_kafka_conf_new();
  const message = Buffer.alloc(512);
  lib.rd_kafka_conf_set_events(conf, EVENT_DELIVERY);
  for (const [name, value] of Object.entries(settings)) {
    if (lib.rd_kafka_conf_set(conf, cText(name), cText(value), message, message.length) !== 0) {
      throw new Error(`cannot set ${name}: ${message.toString("utf8").replace(/\0.*/s, "")}`);
    }
  }
  const handle = lib.rd_kafka_new(PRODUCER, conf, message, message.length);
  if (handle === null) throw new Error(`cannot make a client: ${message.toString("utf8")}`);
  const queue = lib.rd_kafka_queue_get_main(handle);
  if (queue === null) throw new Error("a client has no queue");
  return { handle, queue };
}

/** Writes records; each gets its number as opaque, under which its offset comes back. */
class Writer {
  readonly #lib: Librdkafka;
  readonly #client: Client;

  constructor(lib: Librdkafka, client: Client) {
    this.#lib = lib;
    this.#client = client;
  }

  async write(records: readonly ProducedRecord[]): Promise<readonly number[]> {
    const offsets = new Array<number>(records.length).fill(-1);
    let delivered = 0;
    for (const [index, record] of records.entries()) {
      while (!this.#enqueue(record, index)) delivered += this.#takeDeliveries(offsets, 10);
      if (index % 1_000 === 0) delivered += this.#takeDeliveries(offsets, 0);
    }
    while (delivered < records.length) {
      delivered += this.#takeDeliveries(offsets, 5);
      await turnOfEventLoop(); // brokers that are down must be able to come back by another command
    }
    return offsets;
  }

  /** False when the producer's queue is full. */
  #enqueue(record: ProducedRecord, index: number): boolean {
    const kept: Uint8Array[] = []; // what the pointers below point to
    const bytesOf = (data: Uint8Array | string) => {
      const bytes = typeof data === "string" ? Buffer.from(data) : data;
      kept.push(bytes);
      return bytes;
    };
    const headers = Object.entries(record.headers ?? {});
    const list = new DataView(new ArrayBuffer(VU_BYTES * (7 + headers.length)));
    let count = 0;
    const add = (kind: number, fill: (at: number) => void) => {
      list.setInt32(count * VU_BYTES, kind, true);
      fill(count * VU_BYTES + 8);
      count += 1;
    };
    const pointer = (at: number, bytes: Uint8Array) => {
      // There is no pointer to nothing; a length of zero makes any do.
      list.setBigUint64(at, BigInt(ptr(bytes.length === 0 ? EMPTY : bytes)), true);
    };
    const bytesAt = (at: number, data: Uint8Array | string) => {
      const bytes = bytesOf(data);
      pointer(at, bytes);
      list.setBigUint64(at + 8, BigInt(bytes.length), true);
    };
    const { key, value, timestampMs } = record;
    add(VU.topic, (at) => pointer(at, bytesOf(`${record.topic}\0`)));
    add(VU.partition, (at) => list.setInt32(at, record.partition, true));
    add(VU.flags, (at) => list.setInt32(at, COPY, true));
    add(VU.opaque, (at) => list.setBigUint64(at, BigInt(index + 1), true));
    if (key !== null) add(VU.key, (at) => bytesAt(at, key));
    if (value !== null) add(VU.value, (at) => bytesAt(at, value));
    if (timestampMs !== undefined) {
      add(VU.timestamp, (at) => list.setBigInt64(at, BigInt(timestampMs), true));
    }
    for (const [name, data] of headers) {
      add(VU.header, (at) => {
        pointer(at, bytesOf(`${name}\0`));
        bytesAt(at + 8, data);
      });
    }
    const error = this.#lib.rd_kafka_produceva(this.#client.handle, new Uint8Array(list.buffer), count);
    kept.length = 0;
    if (error === null) return true;
    const isFull = this.#lib.rd_kafka_error_code(error) === QUEUE_FULL;
    const text = String(this.#lib.rd_kafka_error_string(error));
    this.#lib.rd_kafka_error_destroy(error);
    if (!isFull) throw new Error(`cannot write record ${index} to ${record.topic}: ${text}`);
    return false;
  }

  /** Counts deliveries that are known now, waiting up to `waitMs` for the first. */
  #takeDeliveries(offsets: number[], waitMs: number): number {
    let count = 0;
    for (;;) {
      const event = this.#lib.rd_kafka_queue_poll(this.#client.queue, count === 0 ? waitMs : 0);
      if (event === null) return count;
      let message = this.#lib.rd_kafka_event_message_next(event);
      while (message !== null) {
        const error = read.i32(message, 0);
        if (error !== 0) throw new Error(`a record was not written: ${this.#lib.rd_kafka_err2str(error)}`);
        // rd_kafka_message_t: err, rkt, partition, payload, len, key, key_len, offset, _private
        offsets[Number(read.u64(message, 64)) - 1] = Number(read.i64(message, 56));
        count += 1;
        message = this.#lib.rd_kafka_event_message_next(event);
      }
      this.#lib.rd_kafka_event_destroy(event);
    }
  }
}

const EMPTY = new Uint8Array(1);

function makeCluster(lib: Librdkafka, brokers: number, rebalanceDelayMs: number) {
  const host = newClient(lib, {});
  const cluster = lib.rd_kafka_mock_cluster_new(host.handle, brokers);
  if (cluster === null) throw new Error("cannot make the cluster");
  lib.rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, rebalanceDelayMs);
  const addresses = String(lib.rd_kafka_mock_cluster_bootstraps(cluster));
  const client = newClient(lib, {
    "bootstrap.servers": addresses,
    // Records of one partition keep their order, and come once, also over the errors that tests inject.
    "enable.idempotence": "true",
    "linger.ms": "2",
    // A partition of the mock keeps 5 MiB, as they lie in the log.
    "compression.type": "lz4",
    "message.max.bytes": "20000000",
    "queue.buffering.max.messages": "200000",
    "topic.metadata.refresh.interval.ms": "1000",
  });
  const writer = new Writer(lib, client);

  const check = (error: number) => {
    if (error !== 0) throw new Error(String(lib.rd_kafka_err2str(error)));
  };
  const watermarks = (topic: string, partition: number): readonly number[] => {
    const [low, high] = [new BigInt64Array(1), new BigInt64Array(1)];
    check(
      lib.rd_kafka_query_watermark_offsets(
        client.handle,
        cText(topic),
        partition,
        ptr(low),
        ptr(high),
        5_000,
      ),
    );
    return [Number(low[0]), Number(high[0])];
  };
  const run = async (command: ClusterCommand): Promise<ClusterAnswer> => {
    switch (command.do) {
      case "create-topic":
        check(lib.rd_kafka_mock_topic_create(cluster, cText(command.topic), command.partitions, brokers));
        return { ok: true };
      case "delete-topic":
        check(lib.rd_kafka_mock_topic_delete(cluster, cText(command.topic)));
        return { ok: true };
      case "topic-error":
        lib.rd_kafka_mock_topic_set_error(cluster, cText(command.topic), command.error);
        return { ok: true };
      case "delete-records": {
        const { topic, partition, before } = command;
        check(lib.rd_kafka_mock_partition_delete_records(cluster, cText(topic), partition, BigInt(before)));
        return { ok: true };
      }
      case "set-leader": {
        const { topic, partition, broker } = command;
        check(lib.rd_kafka_mock_partition_set_leader(cluster, cText(topic), partition, broker));
        return { ok: true };
      }
      case "broker": {
        const { broker, up } = command;
        check(
          up
            ? lib.rd_kafka_mock_broker_set_up(cluster, broker)
            : lib.rd_kafka_mock_broker_set_down(cluster, broker),
        );
        return { ok: true };
      }
      case "delay":
        check(lib.rd_kafka_mock_broker_set_rtt(cluster, command.broker, command.ms));
        return { ok: true };
      case "request-errors": {
        const errors = new Int32Array(command.errors);
        lib.rd_kafka_mock_push_request_errors_array(cluster, command.request, errors.length, ptr(errors));
        return { ok: true };
      }
      case "watermarks":
        return { ok: true, offsets: watermarks(command.topic, command.partition) };
      case "produce":
        return { ok: true, offsets: await writer.write(command.records) };
    }
  };
  return { addresses, run };
}

if (import.meta.main) {
  const [brokers = "1", rebalanceDelayMs = "0"] = process.argv.slice(2);
  const { addresses, run } = makeCluster(loadLibrdkafka(), Number(brokers), Number(rebalanceDelayMs));
  const answer = async (body: ArrayBuffer): Promise<ClusterAnswer> => {
    try {
      return await run(deserialize(Buffer.from(body)) as ClusterCommand);
    } catch (error) {
      return { ok: false, error: error instanceof Error ? error.message : String(error) };
    }
  };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    maxRequestBodySize: 1024 * 1024 * 1024,
    fetch: async (request) => new Response(serialize(await answer(await request.arrayBuffer()))),
  });
  console.log(JSON.stringify({ brokers: addresses, control: server.url.href }));
}
