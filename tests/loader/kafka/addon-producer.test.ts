/** What the producer of dead letters makes of a client that breaks. */
import { describe, expect, test } from "bun:test";
import { EventEmitter } from "node:events";
import type { NativeError, NativeProducer } from "../../../loader/kafka/native.ts";
import { AddonProducer } from "../../../loader/kafka/native-producer.ts";

class ProducerStandIn extends EventEmitter implements NativeProducer {
  readonly #outcome: NativeError | null;
  isEnded = false;

  constructor(outcome: NativeError | null) {
    super();
    this.#outcome = outcome;
  }

  connect(_options: unknown, done: (error: null, metadata: { topics: [] }) => void): void {
    queueMicrotask(() => done(null, { topics: [] }));
  }
  getMetadata(_options: unknown, done: (error: null, metadata: { topics: [] }) => void): void {
    done(null, { topics: [] });
  }
  disconnect(_timeoutMs: number, done: (error: null) => void): void {
    this.isEnded = true;
    done(null);
  }
  poll(): void {}
  setPollInBackground(): void {}
  produce(...[, , , , , opaque]: Parameters<NativeProducer["produce"]>): void {
    setImmediate(() => this.emit("delivery-report", this.#outcome, { opaque }));
  }
}

describe("the producer", () => {
  test("goes on with another client when one will not work again, and ends that one", async () => {
    const made: ProducerStandIn[] = [];
    const outcomes = [{ code: -150, message: "Local: Fatal error" }];
    const producer = new AddonProducer(() => {
      const client = new ProducerStandIn(outcomes.shift() ?? null);
      made.push(client);
      return client;
    }, "k:9092");
    const letter = { topic: "dead", key: null, value: Buffer.from("x"), headers: {} };
    expect(await producer.send(letter).catch((error: unknown) => error)).toMatchObject({
      code: "kafka_unavailable",
    });
    await producer.send(letter);
    expect(made.map(({ isEnded }) => isEnded)).toEqual([true, false]);
    await producer.close();
  });

  test("keeps its client when brokers are away for a while", async () => {
    let clients = 0;
    const producer = new AddonProducer(() => {
      clients += 1;
      return new ProducerStandIn({ code: -192, message: "Local: Message timed out" });
    }, "k:9092");
    const letter = { topic: "dead", key: null, value: null, headers: {} };
    for (let tries = 0; tries < 2; tries++)
      expect(await producer.send(letter).catch((error: unknown) => error)).toMatchObject({
        code: "kafka_unavailable",
      });
    expect(clients).toBe(1);
  });
});
