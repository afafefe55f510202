/**
 * The trace of a batch on its way from Kafka to the ledger. It goes on with the trace of whoever produced the batch's first
 * record, when that has a header `traceparent`; of the others, which may be hundreds, a span can name only one.
 */
import { inSpan, type RootStart, type Traced, type Tracer } from "../../../core/process/tracing/tracer.ts";
import type { KafkaRecord } from "../../kafka/consumer.ts";

export const BATCH_SPAN = "loader.batch";

export interface TracedBatch {
  readonly family: string;
  readonly rows: number;
  /** The first record that rows come from; absent where none do. */
  readonly record?: KafkaRecord | undefined;
}

/** Runs what sends a batch, in a span of its own; just runs it without a tracer. */
export function inBatchTrace(
  tracer: Tracer | undefined,
  { family, rows, record }: TracedBatch,
  send: (traced: Traced) => Promise<void>,
): Promise<void> {
  const start = (): RootStart => ({
    kind: "consumer",
    parent: headerOf(record, "traceparent"),
    state: headerOf(record, "tracestate"),
    attributes: {
      "ctlstore.family": family,
      "ctlstore.mutations": rows,
      ...(record === undefined ? {} : positionOf(record)),
    },
  });
  return inSpan(tracer, BATCH_SPAN, start, send);
}

function headerOf(record: KafkaRecord | undefined, name: string): string | null {
  const bytes = record?.headers.get(name);
  return bytes === undefined ? null : Buffer.from(bytes).toString("latin1");
}

function positionOf({ topic, partition, offset }: KafkaRecord) {
  return {
    "messaging.system": "kafka",
    "messaging.destination.name": topic,
    "messaging.destination.partition.id": String(partition),
    "messaging.kafka.offset": offset,
  };
}
