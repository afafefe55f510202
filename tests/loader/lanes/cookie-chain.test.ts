/** The chain of cookies: each batch has one of its own, and positions only go up (I3). */
import { expect, test } from "bun:test";
import { FORMAT_LIMITS } from "../../../core/limits.ts";
import { decodeLaneState } from "../../../loader/lanes/cookie/cookie.ts";
import { CookieChain } from "../../../loader/lanes/cookie/cookie-chain.ts";
import { EMPTY_LANE_STATE, type OpenSnapshot } from "../../../loader/lanes/cookie/lane-state.ts";
import { planOf } from "./lane-world.ts";

const T = "a.topic";
const to = (next: number, partition = 0) => ({ advances: [{ topic: T, partition, next }] });
const begin = (snapshot: (snapshot: OpenSnapshot) => void = () => {}) =>
  new CookieChain({ state: EMPTY_LANE_STATE, cookie: new Uint8Array() }, { snapshot, retired: () => {} });

test("a batch that moves no position has a cookie of its own, by its step; one that does begins to count anew", () => {
  const chain = begin();
  const steps: number[] = [];
  const cookies = new Set<string>([Buffer.from(chain.cookie).toString("hex")]);
  for (const advances of [[to(5)], [], [], [to(5)], [to(6), to(1, 1)], []]) {
    chain.commit(chain.after(advances));
    steps.push(chain.state.step);
    cookies.add(Buffer.from(chain.cookie).toString("hex"));
  }
  expect(steps).toEqual([0, 1, 2, 3, 0, 1]);
  expect(cookies.size).toBe(7);
  expect(decodeLaneState(chain.cookie, planOf({ [T]: 2 }))).toEqual(chain.state);
});

test("a position that would go down is a defect and moves nothing", () => {
  const chain = begin();
  chain.commit(chain.after([to(5)]));
  expect(() => chain.after([to(4)])).toThrow(expect.objectContaining({ code: "internal" }));
  expect(chain.state.positions.get(T)?.get(0)).toBe(5);
});

test("I13 snapshots for which a cookie has no room are forgotten with a word, positions never", () => {
  const forgotten: string[] = [];
  const chain = begin(({ table }) => forgotten.push(table));
  const partitions = Array.from({ length: 60 }, (_, partition) => partition);
  const openSnapshots = ["one", "two", "three", "four"].map((table) => ({
    family: "shop",
    table,
    topic: T,
    from: new Map(partitions.map((partition) => [partition, 1])),
  }));
  const advances = partitions.flatMap((partition) => to(2 ** 40, partition).advances);
  const link = chain.after([{ advances, openSnapshots }]);
  expect(link.cookie.length).toBeLessThanOrEqual(FORMAT_LIMITS.cookieBytes);
  expect(link.state.positions.get(T)?.size).toBe(60);
  expect(link.state.openSnapshots.length + forgotten.length).toBe(4);
  expect(forgotten.length).toBeGreaterThan(0);
});

test("I13 positions of topics that the lane has no more make way for those that it has, with a word", () => {
  const before = planOf(Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`old.${n}`, 1])));
  const first = begin();
  const positions = (plan: typeof before) =>
    plan.partitions.map(({ topic, partition }) => ({ topic, partition, next: 2 ** 50 }));
  first.commit(first.after([{ advances: positions(before) }]));
  // The mapping has other topics now, but for one.
  const names = ["old.0", ...Array.from({ length: 45 }, (_, n) => `new.${n}`)];
  const now = planOf(Object.fromEntries(names.map((name) => [name, 1])));
  let retired = 0;
  const chain = new CookieChain(
    { state: decodeLaneState(first.cookie, now), cookie: first.cookie },
    {
      snapshot: () => {},
      retired: (topics) => {
        retired += topics;
      },
    },
  );
  chain.commit(chain.after([{ advances: positions(now) }]));
  expect(retired).toBe(49);
  expect([...decodeLaneState(chain.cookie, now).positions.keys()].sort()).toEqual([...names].sort());
});
