/** Records as the addon hands them out, made ours. */
import { CtlstoreError } from "../../core/errors.ts";
import type { KafkaRecord } from "./consumer.ts";
import type { NativeMessage } from "./native.ts";

const NO_HEADERS: ReadonlyMap<string, Uint8Array> = new Map();

/** @throws CtlstoreError `internal` for an offset that a double does not hold exactly, which no cluster will reach */
export function toRecord(message: NativeMessage): KafkaRecord {
  const { topic, partition, offset, key, value, headers, timestamp } = message;
  if (!Number.isSafeInteger(offset)) {
    throw new CtlstoreError(
      "internal",
      `Cannot read ${topic} [${partition}] at offset ${offset}: offsets beyond 2^53 are not exact`,
    );
  }
  return {
    topic,
    partition,
    offset,
    key,
    value,
    headers: headers === undefined || headers.length === 0 ? NO_HEADERS : toHeaders(headers),
    timestampMs: timestamp >= 0 ? timestamp : null,
  };
}

function toHeaders(headers: NonNullable<NativeMessage["headers"]>): ReadonlyMap<string, Uint8Array> {
  const map = new Map<string, Uint8Array>();
  for (const header of headers) {
    for (const [name, value] of Object.entries(header)) {
      map.set(name, typeof value === "string" ? Buffer.from(value) : value);
    }
  }
  return map;
}
