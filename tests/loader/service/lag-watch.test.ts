/** Where partitions end, as their brokers say: what the lag and the lanes are told. */
import { expect, test } from "bun:test";
import { CtlstoreError } from "../../../core/errors.ts";
import type { Position, TopicPartition } from "../../../loader/kafka/consumer.ts";
import { partitionKey } from "../../../loader/kafka/partition-key.ts";
import { PartitionLag } from "../../../loader/service/status/lag.ts";
import { LagWatch } from "../../../loader/service/status/lag-watch.ts";

test("R32 lanes are told the ends with the time of the question, and nothing of partitions whose brokers are away", async () => {
  const partitions = [0, 1].map((partition) => ({ topic: "t", partition }));
  const lags = new Map(partitions.map((place) => [partitionKey(place), new PartitionLag()]));
  const stop = new AbortController();
  let nowMs = 0;
  const clock = {
    nowUs: () => 0,
    monotonicMs: () => nowMs,
    sleep: async () => {
      if (nowMs > 0) stop.abort(new Error("enough"));
      stop.signal.throwIfAborted();
      nowMs = 5_000;
    },
  };
  const consumer = {
    async watermarks({ partition }: TopicPartition) {
      if (partition === 1) throw new CtlstoreError("kafka_unavailable", "its leader does not answer");
      nowMs += 100;
      return { low: 0, high: 7 };
    },
  };
  const told: [Position, number][] = [];
  const lane = { measured: (position: Position, askedMs: number) => void told.push([position, askedMs]) };
  const plan = {
    name: "t",
    writer: "w",
    partitions,
    anchor: { topic: "t", partition: 0 },
    snapshotTables: [],
  };
  await new LagWatch({ lanes: { lives: [{ plan, lags, lane }] }, consumer, clock }).run(stop.signal);
  expect(told).toEqual([[{ topic: "t", partition: 0, next: 7 }, 5_000]]);
  expect([...lags.values()].map(({ high }) => high)).toEqual([7, null]);
});

test("many partitions, or slow answers, are asked less often, and once a minute at least", async () => {
  const stop = new AbortController();
  const takesMs = [100, 1_000, 60_000];
  const waits: number[] = [];
  let nowMs = 0;
  const clock = {
    nowUs: () => 0,
    monotonicMs: () => nowMs,
    sleep: async (ms: number) => {
      waits.push(ms);
      if (takesMs.length === 0) stop.abort(new Error("enough"));
      stop.signal.throwIfAborted();
    },
  };
  const consumer = {
    async watermarks() {
      nowMs += takesMs.shift() ?? 0;
      return { low: 0, high: 0 };
    },
  };
  const place = { topic: "t", partition: 0 };
  const plan = { name: "t", writer: "w", partitions: [place], anchor: place, snapshotTables: [] };
  await new LagWatch({ lanes: { lives: [{ plan, lags: new Map(), lane: null }] }, consumer, clock }).run(
    stop.signal,
  );
  expect(waits).toEqual([5_000, 5_000, 9_000, 60_000]);
});
