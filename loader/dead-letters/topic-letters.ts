/** Dead letters as records of a topic: key, value and headers as they were, and the reason in headers beside them. */
import type { KafkaProducer } from "../kafka/consumer.ts";
import type { DeadLetter, DeadLetters } from "./dead-letters.ts";
import { base64, textOf } from "./letter-line.ts";

/** Brokers count headers towards the size of a record. */
const REASON_CHARS = 1_000;

export class TopicLetters implements DeadLetters {
  readonly place: string;
  readonly #topic: string;
  readonly #producer: KafkaProducer;

  constructor(topic: string, producer: KafkaProducer) {
    this.place = `topic:${topic}`;
    this.#topic = topic;
    this.#producer = producer;
  }

  put(letter: DeadLetter, signal?: AbortSignal): Promise<void> {
    const { key, value } = letter.record;
    return this.#producer.send({ topic: this.#topic, key, value, headers: headersOf(letter) }, signal);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#producer.close();
  }
}

function headersOf({ record, code, field, reason, timeMs }: DeadLetter): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, bytes] of record.headers) {
    const text = textOf(bytes);
    if (text !== null) headers[name] = text;
    else headers[`ctlstore-base64-${name}`] = base64(bytes) ?? "";
  }
  return {
    ...headers,
    "ctlstore-error-code": code,
    "ctlstore-error-reason": reason.slice(0, REASON_CHARS),
    ...(field === null ? {} : { "ctlstore-error-field": field }),
    "ctlstore-error-topic": record.topic,
    "ctlstore-error-partition": String(record.partition),
    "ctlstore-error-offset": String(record.offset),
    ...(record.timestampMs === null ? {} : { "ctlstore-error-timestamp-ms": String(record.timestampMs) }),
    "ctlstore-error-time": new Date(timeMs).toISOString(),
  };
}
