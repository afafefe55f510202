/** What the consumer makes of an addon that misbehaves: errors that it swallows, rebalances at the worst moment. */
import { describe, expect, test } from "bun:test";
import { KAFKA_LIMITS } from "../../../core/limits.ts";
import { isAway } from "../../../loader/away.ts";
import type { GroupListener, TopicPartition } from "../../../loader/kafka/consumer.ts";
import { AddonConsumer } from "../../../loader/kafka/native-consumer.ts";
import { AddonStandIn, ASSIGN, type Consumed, message, REVOKE } from "./native-stand-in.ts";

function withStandIn(...consumed: readonly Consumed[]) {
  const time = { nowMs: 0 };
  const made: AddonStandIn[] = [];
  const make = (onRebalance: ConstructorParameters<typeof AddonStandIn>[0]) => {
    const addon = new AddonStandIn(onRebalance, made[0] ?? null);
    if (made.length === 0) addon.consumed.push(...consumed);
    made.push(addon);
    return addon;
  };
  const consumer = new AddonConsumer({ make, monotonicMs: () => time.nowMs }, "k:9092");
  /** There is one as soon as anything was fetched. */
  const addon = async (): Promise<AddonStandIn> => {
    const [first] = made;
    if (first === undefined) throw new Error("no addon was made yet");
    return first;
  };
  return { consumer, addon, time };
}

const at = (partition: number, next: number) => ({ topic: "t", partition, next });
const END = { topic: "t", partition: 0, offset: 7 };

function listening(): GroupListener & { readonly heard: string[] } {
  const heard: string[] = [];
  return {
    heard,
    onAssigned: (partitions: readonly TopicPartition[]) =>
      void heard.push(`assigned ${partitions.map(({ partition }) => partition)}`),
    onRevoked: (lost) => void heard.push(lost ? "lost" : "revoked"),
  };
}

describe("the consumer", () => {
  test("finds lost events when the addon swallowed the error about them (R30)", async () => {
    const { consumer, addon, time } = withStandIn({ messages: [message(0, 5)] });
    consumer.assign([at(0, 5), at(1, 3)]);
    time.nowMs = 1_000;
    await consumer.fetch(1);
    const native = await addon();
    native.low = 4;
    // Records of one partition come all the time; of the other nothing does, and no error either.
    time.nowMs = KAFKA_LIMITS.quietMs + 1;
    native.consumed.push({ messages: [message(0, 6)] });
    await consumer.fetch(1);
    expect(await consumer.fetch(1).catch((error: unknown) => error)).toMatchObject({
      code: "events_lost",
      message: "Cannot read t [1] at offset 3: the oldest event that is kept is at 4",
    });
    expect(native.calls.filter((call) => call.startsWith("watermarks"))).toEqual(["watermarks 1"]);
  });

  test("asks for nothing when a partition is paused, and for one partition at a time when many are quiet", async () => {
    const { consumer, addon, time } = withStandIn();
    consumer.assign([at(0, 0), at(1, 0), at(2, 0), at(3, 0)]);
    consumer.pause([{ topic: "t", partition: 0 }]);
    const looks = async () => (await addon()).calls.filter((call) => call.startsWith("watermarks"));
    await consumer.fetch(1);
    expect(await looks()).toEqual([]);
    for (let fetches = 0; fetches < 4; fetches += 1) {
      time.nowMs += KAFKA_LIMITS.quietMs + 1;
      await consumer.fetch(1);
      await consumer.fetch(1);
    }
    expect(await looks()).toEqual(["watermarks 1", "watermarks 2", "watermarks 3", "watermarks 1"]);
  });

  test("tells the listener from fetch, and gives nothing of before, when the group takes partitions back", async () => {
    const { consumer, addon } = withStandIn(
      { rebalance: [ASSIGN, [0, 1]] },
      { messages: [message(0, 5)] },
      { messages: [message(0, 6), message(1, 9)], rebalance: [REVOKE, [0, 1]] },
    );
    const listener = listening();
    consumer.join(["t"], listener);
    consumer.assign([at(0, 5)]); // nothing is ours yet
    await consumer.fetch(1);
    expect(listener.heard).toEqual(["assigned 0,1"]);
    consumer.assign([at(0, 5), at(1, 9), at(7, 0)]);
    expect((await consumer.fetch(1)).records.map(({ offset }) => offset)).toEqual([5]);
    expect((await consumer.fetch(1)).records).toEqual([]);
    expect(listener.heard).toEqual(["assigned 0,1", "revoked"]);
    consumer.assign([at(0, 6)]); // decided before it knew
    await consumer.fetch(1);
    expect((await addon()).calls.filter((call) => !call.startsWith("consume"))).toEqual([
      "subscribe t",
      "assign 0@5,1@9,7@0",
      "unassign",
    ]);
  });

  test("says that partitions are lost when others may have them already", async () => {
    const { consumer, addon } = withStandIn({ rebalance: [ASSIGN, [0]] });
    const listener = listening();
    consumer.join(["t"], listener);
    await consumer.fetch(1);
    const native = await addon();
    native.isLost = true;
    native.consumed.push({ rebalance: [REVOKE, [0]] }, { rebalance: [ASSIGN, [0]] });
    await consumer.fetch(1);
    await consumer.fetch(1);
    expect(listener.heard).toEqual(["assigned 0", "lost", "assigned 0"]);
  });

  test("gives partitions back when the group asked for them just before it is joined for other topics", async () => {
    const { consumer, addon } = withStandIn({ rebalance: [ASSIGN, [0]] });
    const listener = listening();
    consumer.join(["t"], listener);
    await consumer.fetch(1);
    (await addon()).rebalance(REVOKE, [0]);
    consumer.join(["t", "u"], listener);
    await consumer.fetch(1);
    expect(listener.heard).toEqual(["assigned 0", "revoked"]);
    expect((await addon()).calls.filter((call) => !call.startsWith("consume"))).toEqual([
      "subscribe t",
      "subscribe t,u",
      "unassign",
    ]);
  });

  test("asks with another client than it reads with, behind whose fetches brokers would answer late; both end", async () => {
    const made: AddonStandIn[] = [];
    const make = (onRebalance: ConstructorParameters<typeof AddonStandIn>[0]) => {
      made.push(new AddonStandIn(onRebalance));
      return made.at(-1) ?? new AddonStandIn(onRebalance);
    };
    const consumer = new AddonConsumer({ make, monotonicMs: () => 0 }, "k:9092");
    consumer.assign([at(0, 0)]);
    await consumer.fetch(1);
    for (let asked = 0; asked < KAFKA_LIMITS.questionsPerServe; asked++)
      expect(await consumer.watermarks(at(0, 0))).toEqual({ low: 0, high: 100 });
    await consumer.close();
    const kinds = made.map(({ calls }) => [...new Set(calls.map((call) => call.split(" ")[0]))]);
    // The other one is served now and then: it keeps what it has heard.
    expect(kinds).toEqual([
      ["assign", "consume", "disconnect"],
      ["watermarks", "consume", "disconnect"],
    ]);
  });

  test("lets go what was paused before it begins anew", async () => {
    const { consumer, addon } = withStandIn();
    consumer.assign([at(0, 0), at(1, 0)]);
    consumer.pause([at(0, 0), at(1, 0)]);
    await consumer.fetch(1);
    consumer.resume([at(1, 0)]);
    await consumer.fetch(1);
    consumer.assign([at(0, 5), at(1, 5)]);
    await consumer.fetch(1);
    expect((await addon()).calls.filter((call) => !call.startsWith("consume"))).toEqual([
      "assign 0@0,1@0",
      "pause 0,1",
      "resume 1",
      "resume 0",
      "assign 0@5,1@5",
    ]);
  });

  test("begins reading at the next fetch when the client could not begin at this one", async () => {
    const { consumer, addon } = withStandIn();
    consumer.assign([at(0, 0)]);
    await consumer.fetch(1);
    const native = await addon();
    native.assignFaults.push(new Error("not now"));
    consumer.assign([at(0, 5)]);
    expect(await consumer.fetch(1).catch((error: unknown) => error)).toMatchObject({
      code: "kafka_unavailable",
    });
    await consumer.fetch(1);
    expect(native.calls.filter((call) => call.startsWith("assign"))).toEqual(["assign 0@0", "assign 0@5"]);
  });

  test("drops what a fetch brought when another assignment was asked for meanwhile", async () => {
    const { consumer, addon } = withStandIn({}, { messages: [message(0, 90)], ends: [END] });
    consumer.assign([at(0, 90)]);
    await consumer.fetch(1);
    const underway = consumer.fetch(1);
    await Promise.resolve();
    await Promise.resolve();
    consumer.assign([at(0, 10)]);
    expect(await underway).toEqual({ records: [], ends: [] });
    (await addon()).consumed.push({ messages: [message(0, 10)] });
    expect((await consumer.fetch(1)).records.map(({ offset }) => offset)).toEqual([10]);
  });

  test("names no end when records came behind it in the same fetch", async () => {
    const { consumer } = withStandIn(
      { messages: [message(0, 6), message(0, 7)], ends: [END] },
      { ends: [{ ...END, offset: 8 }] },
    );
    consumer.assign([at(0, 6)]);
    expect((await consumer.fetch(1)).ends).toEqual([]);
    expect((await consumer.fetch(1)).ends).toEqual([at(0, 8)]);
  });

  test("names no end of before when another assignment follows on a failed fetch", async () => {
    const denied = { code: 29, message: "Broker: Topic authorization failed" };
    const { consumer } = withStandIn({ ends: [END], error: denied }, { messages: [message(0, 3)] });
    consumer.assign([at(0, 6)]);
    expect(await consumer.fetch(1).catch((error: unknown) => error)).toMatchObject({ code: "kafka_denied" });
    consumer.assign([at(0, 3)]);
    const { records, ends } = await consumer.fetch(1);
    expect({ offsets: records.map(({ offset }) => offset), ends }).toEqual({ offsets: [3], ends: [] });
  });

  test("asks for fewer records at once when they are large", async () => {
    const large = KAFKA_LIMITS.batch.bytes / 4;
    const { consumer, addon } = withStandIn(
      ...Array.from({ length: 6 }, (_, offset) => ({ messages: [message(0, offset)] })),
      { messages: [message(0, 6, large)] },
    );
    consumer.assign([at(0, 0)]);
    for (let fetches = 0; fetches < 8; fetches += 1) await consumer.fetch(1);
    const counts = (await addon()).calls
      .filter((call) => call.startsWith("consume"))
      .map((call) => Number(call.split(" ")[1]));
    expect(counts).toEqual([100, 200, 400, 800, 1_600, 2_000, 2_000, 4]);
  });

  test("notes a trouble and goes on when an error passes, and throws one that does not", async () => {
    const { consumer } = withStandIn(
      { error: { code: -195, message: "Local: Broker transport failure" } },
      { error: { code: 29, message: "Broker: Topic authorization failed" } },
    );
    expect(await consumer.fetch(1)).toEqual({ records: [], ends: [] });
    expect(consumer.takeTroubles()).toEqual(["Local: Broker transport failure"]);
    expect(consumer.takeTroubles()).toEqual([]);
    expect(await consumer.fetch(1).catch((error: unknown) => error)).toMatchObject({ code: "kafka_denied" });
  });

  test("ends with an error that nobody waits for when another has its place in the group: it would wait for ever", async () => {
    const { consumer } = withStandIn({ error: { code: -150, message: "Local: Fatal error" } });
    const error = await consumer.fetch(1).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: "loader_fenced" });
    expect(isAway(error)).toBe(false);
  });

  test("refuses an offset that a double does not hold exactly", async () => {
    const { consumer } = withStandIn({ messages: [message(0, 2 ** 53)] });
    consumer.assign([at(0, 2 ** 53 - 1)]);
    expect(await consumer.fetch(1).catch((error: unknown) => error)).toMatchObject({ code: "internal" });
  });
});
