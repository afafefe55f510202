/** Dead letters: durable, whole, readable, and never lost without a word. */
import { describe, expect, test } from "bun:test";
import { appendFileSync, readFileSync, statSync } from "node:fs";
import type { DeadLetter } from "../../../loader/dead-letters/dead-letters.ts";
import { openDeadLetters, parseDeadLetterPlace } from "../../../loader/dead-letters/open.ts";
import type { KafkaProducer, OutgoingRecord } from "../../../loader/kafka/consumer.ts";
import { tempFolder } from "../../support/temp-folder.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

function letter(offset: number, more: Partial<DeadLetter["record"]> = {}): DeadLetter {
  return {
    record: {
      topic: "shop.item",
      partition: 3,
      offset,
      key: utf8('{"id":1}'),
      value: Uint8Array.of(0, 255, 0x80),
      headers: new Map([
        ["trace", utf8("größe")],
        ["raw", Uint8Array.of(0xff)],
      ]),
      timestampMs: 1_700_000_000_000,
      ...more,
    },
    code: "event_refused",
    field: "price",
    reason: "Cannot keep the value: it is too long",
    timeMs: Date.UTC(2026, 0, 2),
  };
}

const noProducer = (): KafkaProducer => {
  throw new Error("no producer is needed");
};
const lines = (path: string): string[] => readFileSync(path, "utf8").trimEnd().split("\n");

describe("dead letters in a file", () => {
  test("are lines of JSON with place, reason and bytes, for their owner's eyes only", async () => {
    using folder = tempFolder("letters");
    const path = folder.file("dead.jsonl");
    await using letters = await openDeadLetters({ kind: "file", path }, noProducer);
    await Promise.all([letters.put(letter(1)), letters.put(letter(2, { value: null }))]);
    expect(letters.place).toBe(`file:${path}`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(lines(path).map((line) => JSON.parse(line))).toEqual([
      {
        time: "2026-01-02T00:00:00.000Z",
        topic: "shop.item",
        partition: 3,
        offset: 1,
        timestampMs: 1_700_000_000_000,
        code: "event_refused",
        field: "price",
        reason: "Cannot keep the value: it is too long",
        key: btoa('{"id":1}'),
        keyText: '{"id":1}',
        value: "AP+A",
        valueText: null,
        headers: { trace: Buffer.from("größe").toString("base64"), raw: "/w==" },
      },
      expect.objectContaining({ offset: 2, value: null, valueText: null }),
    ]);
  });

  test("come after what is there, also after a line that a crash cut short", async () => {
    using folder = tempFolder("letters");
    const path = folder.file("dead.jsonl");
    const place = { kind: "file", path } as const;
    for (const offset of [1, 2]) {
      await using letters = await openDeadLetters(place, noProducer);
      await letters.put(letter(offset));
      appendFileSync(path, '{"cut": "sho');
    }
    const parsed = lines(path).flatMap((line) => (line.endsWith("}") ? [JSON.parse(line).offset] : [line]));
    expect(parsed).toEqual([1, '{"cut": "sho', 2, '{"cut": "sho']);
  });

  test("stop the loader with a typed error when the disk is full or the folder is missing", async () => {
    await using full = await openDeadLetters({ kind: "file", path: "/dev/full" }, noProducer);
    const put = full.put(letter(1)).catch((error) => error);
    expect(await put).toMatchObject({
      code: "dead_letters_unavailable",
      message: expect.stringContaining("ENOSPC"),
    });
    using folder = tempFolder("letters");
    const missing = openDeadLetters({ kind: "file", path: folder.file("none", "x") }, noProducer).catch(
      (e) => e,
    );
    expect(await missing).toMatchObject({ code: "dead_letters_unavailable" });
  });
});

describe("dead letters in a topic", () => {
  test("are the records as they were, with the reason in headers", async () => {
    const sent: OutgoingRecord[] = [];
    const producer: KafkaProducer = {
      send: async (record) => void sent.push(record),
      close: async () => {},
    };
    await using letters = await openDeadLetters({ kind: "topic", topic: "dead" }, () => producer);
    const one = letter(7);
    await letters.put(one);
    expect(sent).toEqual([
      {
        topic: "dead",
        key: one.record.key,
        value: one.record.value,
        headers: {
          trace: "größe",
          "ctlstore-base64-raw": "/w==",
          "ctlstore-error-code": "event_refused",
          "ctlstore-error-reason": "Cannot keep the value: it is too long",
          "ctlstore-error-field": "price",
          "ctlstore-error-topic": "shop.item",
          "ctlstore-error-partition": "3",
          "ctlstore-error-offset": "7",
          "ctlstore-error-timestamp-ms": "1700000000000",
          "ctlstore-error-time": "2026-01-02T00:00:00.000Z",
        },
      },
    ]);
  });
});

test("the place of dead letters is refused when it is none, or a topic that is loaded", () => {
  expect(parseDeadLetterPlace("file:/var/x:y")).toEqual({ kind: "file", path: "/var/x:y" });
  expect(parseDeadLetterPlace("topic:dead", ["a"])).toEqual({ kind: "topic", topic: "dead" });
  for (const text of ["", "file:", "dead", "topic:a b", "topic:..", "topic:a", "s3://x"])
    expect(() => parseDeadLetterPlace(text, ["a"])).toThrow(
      expect.objectContaining({ code: "config_invalid" }),
    );
});
