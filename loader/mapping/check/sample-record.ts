/**
 * A line of a sample file as the record that it stands for.
 *
 * Lines are JSON objects with `topic`, `key`, `value` (or `payload`), and perhaps `partition`, `offset`, `ts`, `headers`: what
 * `kcat -J` prints. Key and value are the record's text in a string, or the JSON itself, whose numbers stay as they are written.
 */
import { CtlstoreError } from "../../../core/errors.ts";
import { MAPPING_LIMITS } from "../../../core/limits.ts";
import type { KafkaRecord } from "../../kafka/consumer.ts";
import { memberTexts } from "../json-document.ts";

/**
 * @param topic of lines that name none
 * @throws CtlstoreError `event_malformed`
 */
export function sampleRecord(line: string, topic: string | null): KafkaRecord {
  const members = memberTexts(line, {
    cannot: "Cannot read the sample",
    code: "event_malformed",
    depth: MAPPING_LIMITS.sampleDepth,
  });
  const parsed = (name: string): unknown => JSON.parse(members.get(name) ?? "null");
  const named = parsed("topic") ?? topic;
  if (typeof named !== "string") {
    throw new CtlstoreError("event_malformed", "Cannot read the sample: it does not say its topic");
  }
  const timestampMs = parsed("ts");
  return {
    topic: named,
    partition: count(parsed("partition")),
    offset: count(parsed("offset")),
    key: bytesOf(members.get("key")),
    value: bytesOf(members.get("value") ?? members.get("payload")),
    headers: headersOf(parsed("headers")),
    timestampMs: typeof timestampMs === "number" ? timestampMs : null,
  };
}

function count(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

/** A string holds the record's text; anything else is the text. */
function bytesOf(text: string | undefined): Uint8Array | null {
  if (text === undefined || text === "null") return null;
  return new TextEncoder().encode(text.startsWith('"') ? (JSON.parse(text) as string) : text);
}

/** By name, or as names and values in turn. */
function headersOf(value: unknown): ReadonlyMap<string, Uint8Array> {
  if (!(value instanceof Object)) return new Map();
  const pairs: [unknown, unknown][] = Array.isArray(value)
    ? value.flatMap((name, index): [unknown, unknown][] =>
        index % 2 === 0 ? [[name, value[index + 1]]] : [],
      )
    : Object.entries(value);
  const encoder = new TextEncoder();
  return new Map(pairs.map(([name, text]) => [String(name), encoder.encode(String(text ?? ""))]));
}
