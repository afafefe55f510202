/** A dead letter as one line of JSON: bytes as base64, and as text beside it where they are text. */
import type { DeadLetter } from "./dead-letters.ts";

/** Without the end of the line. */
export function letterLine({ record, code, field, reason, timeMs }: DeadLetter): string {
  const { topic, partition, offset, timestampMs, key, value, headers } = record;
  return JSON.stringify({
    time: new Date(timeMs).toISOString(),
    topic,
    partition,
    offset,
    timestampMs,
    code,
    field,
    reason,
    key: base64(key),
    keyText: textOf(key),
    value: base64(value),
    valueText: textOf(value),
    headers: Object.fromEntries([...headers].map(([name, bytes]) => [name, base64(bytes)])),
  });
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Null for what is not UTF-8. */
export function textOf(bytes: Uint8Array | null): string | null {
  try {
    return bytes === null ? null : decoder.decode(bytes);
  } catch {
    return null;
  }
}

export function base64(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
}
