/**
 * The functions of librdkafka that the tests' Kafka cluster needs, called as C.
 *
 * librdkafka comes with the npm package of the Kafka client, and has brokers inside that speak the protocol over TCP
 * (its own tests use them). The npm package does not hand them out; the library beside its addon does.
 */
import { dlopen, FFIType } from "bun:ffi";
import { existsSync } from "node:fs";
import { join } from "node:path";

const PACKAGE = join(
  import.meta.dir,
  "..",
  "..",
  "..",
  "node_modules",
  "@confluentinc",
  "kafka-javascript",
  "build",
);

/** Built here, the addon has the library beside it; downloaded, it has it inside. */
const LIBRARY = ["deps/librdkafka.so.1", "deps/librdkafka.dylib", "Release/confluent-kafka-javascript.node"]
  .map((file) => join(PACKAGE, file))
  .find((file) => existsSync(file));

/** True where the Kafka client is there, and with it the brokers (`node scripts/setup.mjs test`). */
export const hasKafka = LIBRARY !== undefined;

const { ptr, cstring, i16, i32, i64, u64, void: nothing } = FFIType;

const SYMBOLS = {
  rd_kafka_conf_new: { args: [], returns: ptr },
  rd_kafka_conf_set: { args: [ptr, ptr, ptr, ptr, u64], returns: i32 },
  rd_kafka_conf_set_events: { args: [ptr, i32], returns: nothing },
  rd_kafka_new: { args: [i32, ptr, ptr, u64], returns: ptr },
  rd_kafka_err2str: { args: [i32], returns: cstring },
  rd_kafka_error_string: { args: [ptr], returns: cstring },
  rd_kafka_error_code: { args: [ptr], returns: i32 },
  rd_kafka_error_destroy: { args: [ptr], returns: nothing },
  rd_kafka_produceva: { args: [ptr, ptr, u64], returns: ptr },
  rd_kafka_queue_get_main: { args: [ptr], returns: ptr },
  rd_kafka_queue_poll: { args: [ptr, i32], returns: ptr },
  rd_kafka_event_type: { args: [ptr], returns: i32 },
  rd_kafka_event_message_next: { args: [ptr], returns: ptr },
  rd_kafka_event_destroy: { args: [ptr], returns: nothing },
  rd_kafka_query_watermark_offsets: { args: [ptr, ptr, i32, ptr, ptr, i32], returns: i32 },
  rd_kafka_mock_cluster_new: { args: [ptr, i32], returns: ptr },
  rd_kafka_mock_cluster_bootstraps: { args: [ptr], returns: cstring },
  rd_kafka_mock_group_initial_rebalance_delay_ms: { args: [ptr, i32], returns: nothing },
  rd_kafka_mock_topic_create: { args: [ptr, ptr, i32, i32], returns: i32 },
  rd_kafka_mock_topic_delete: { args: [ptr, ptr], returns: i32 },
  rd_kafka_mock_topic_set_error: { args: [ptr, ptr, i32], returns: nothing },
  rd_kafka_mock_partition_delete_records: { args: [ptr, ptr, i32, i64], returns: i32 },
  rd_kafka_mock_partition_set_leader: { args: [ptr, ptr, i32, i32], returns: i32 },
  rd_kafka_mock_broker_set_down: { args: [ptr, i32], returns: i32 },
  rd_kafka_mock_broker_set_up: { args: [ptr, i32], returns: i32 },
  rd_kafka_mock_broker_set_rtt: { args: [ptr, i32, i32], returns: i32 },
  rd_kafka_mock_push_request_errors_array: { args: [ptr, i16, u64, ptr], returns: nothing },
} as const;

/** Loads the library; for a process of its own, since a mistake in C ends the process. */
export function loadLibrdkafka() {
  if (LIBRARY === undefined) {
    throw new Error("the Kafka client is not built: run `node scripts/setup.mjs test`");
  }
  return dlopen(LIBRARY, SYMBOLS).symbols;
}

export type Librdkafka = ReturnType<typeof loadLibrdkafka>;

/** A text as C has it. It must be kept for as long as the call that gets it. */
export function cText(text: string): Buffer {
  return Buffer.from(`${text}\0`);
}
