/** The queue of writes: bounded, in turn, in order. */
import { describe, expect, test } from "bun:test";
import { EXECUTIVE_LIMITS } from "../../core/limits.ts";
import { parseWriterName } from "../../core/names.ts";
import type { QueuedWrite } from "../../ctldb/group-commit.ts";
import { DEFAULT_QUEUE_LIMITS, type QueueLimits, WriteQueue } from "../../ctldb/write-queue.ts";
import { failureOf, settled } from "./fixture.ts";

interface World {
  readonly queue: WriteQueue;
  /** What each group had, as `writer:number`. */
  readonly groups: string[][];
  /** Queues writes that settle with their group. */
  add(writer: string, writes: number, bytes?: number): Promise<unknown>[];
}

function world(limits: Partial<QueueLimits> = {}): World {
  const groups: string[][] = [];
  const commit = async (take: () => QueuedWrite[]) => {
    const group = take();
    groups.push(group.map(({ request }) => `${request.writer}:${request.mutations.length}`));
    for (const write of group) write.resolve({ sequence: 0n as never });
  };
  const queue = new WriteQueue(commit, { ...DEFAULT_QUEUE_LIMITS, ...limits });
  return {
    queue,
    groups,
    add: (name, writes, bytes = 1) =>
      Array.from({ length: writes }, (_, i) => {
        const writer = parseWriterName(name);
        // Its place in the order is told by how many mutations it has.
        const mutations = Array.from({ length: i }, () => ({
          table: "t" as never,
          kind: "delete" as const,
          values: {},
        }));
        const request = { writer, secret: "s", family: null, mutations };
        return queue.add(request, { schemaVersion: 0n, operations: [], bytes });
      }),
  };
}

describe("the queue of writes", () => {
  test("R34 gives each writer a place in the next group when one of them has sent thousands", async () => {
    const { queue, groups, add } = world();
    const flood = add("flooder", 2_000);
    const others = ["ann", "bob", "cat"].flatMap((name) => add(name, 2));
    expect(queue.waiting).toBe(2_006);
    await Promise.all(others);
    expect(groups).toHaveLength(1);
    expect(groups[0]).toHaveLength(EXECUTIVE_LIMITS.groupRequests);
    expect(queue.waiting).toBe(2_006 - EXECUTIVE_LIMITS.groupRequests);
    await Promise.all(flood);
    expect(queue.waiting).toBe(0);
    const flooded = groups.flat().filter((write) => write.startsWith("flooder"));
    expect(flooded).toEqual(Array.from({ length: 2_000 }, (_, i) => `flooder:${i}`));
    await queue.drained();
  });

  test("R34 gives each writer a place in the next group when one of them has sent large ones", async () => {
    const { groups, add } = world();
    const large = EXECUTIVE_LIMITS.groupBytes / 4;
    const flood = add("flooder", 12, large);
    await Promise.all(["ann", "bob"].flatMap((name) => add(name, 1, large)));
    expect(groups).toEqual([["flooder:0", "flooder:1", "ann:0", "bob:0"]]);
    await Promise.all(flood);
    expect(groups.map((group) => group.length)).toEqual([4, 4, 4, 2]);
  });

  test("takes a write that is larger than a group by itself", async () => {
    const { groups, add } = world();
    await Promise.all([...add("ann", 2, 2 * EXECUTIVE_LIMITS.groupBytes), ...add("bob", 1)]);
    expect(groups).toEqual([["ann:0"], ["bob:0"], ["ann:1"]]);
  });

  test("keeps the order of arrival within a group", async () => {
    const { groups, add } = world();
    await Promise.all([...add("ann", 1), ...add("bob", 2), ...add("ann", 2), ...add("cat", 1)]);
    expect(groups).toEqual([["ann:0", "bob:0", "bob:1", "ann:0", "ann:1", "cat:0"]]);
  });

  test("I13 R34 refuses a writer that has too much in it, and takes others", async () => {
    const { queue, add } = world({ queuedRequestsPerWriter: 3, queuedBytesPerWriter: 100 });
    const codes = async (writes: Promise<unknown>[]) =>
      (await settled(writes as never)).map((end) => ("code" in end ? end.code : "ok"));
    const many = codes(add("ann", 5));
    const large = codes(add("bob", 3, 60));
    const others = codes(add("cat", 1, 500));
    expect(await many).toEqual(["ok", "ok", "ok", "overloaded", "overloaded"]);
    expect(await large).toEqual(["ok", "ok", "overloaded"]);
    expect(await others).toEqual(["ok"]);
    await queue.drained();
    expect(await codes(add("ann", 3))).toEqual(["ok", "ok", "ok"]);
  });

  test("I13 refuses everybody, and says so before a batch is planned, when it is full", async () => {
    const { queue, add } = world({ queuedRequests: 2 });
    const writes = add("ann", 2);
    expect(() => queue.assertRoom(parseWriterName("bob"))).toThrow(/2 are waiting/);
    for (const refused of add("bob", 1)) expect((await failureOf(refused)).details.retryAfterSeconds).toBe(1);
    await Promise.all(writes);
    queue.assertRoom(parseWriterName("bob"));
  });
});
