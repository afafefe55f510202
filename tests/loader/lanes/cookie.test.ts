/** Cookies: what is written is read back, equal states have equal bytes, and nobody else's bytes are taken for ours. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FORMAT_LIMITS } from "../../../core/limits.ts";
import { decodeLaneState, encodeLaneState, newSalt } from "../../../loader/lanes/cookie/cookie.ts";
import { largestCookieBytes } from "../../../loader/lanes/cookie/cookie-size.ts";
import { EMPTY_LANE_STATE, type LaneState } from "../../../loader/lanes/cookie/lane-state.ts";
import type { LanePlan } from "../../../loader/lanes/lane-contract.ts";
import { suiteSeed } from "../../support/suite.ts";

const HIGHEST = Number.MAX_SAFE_INTEGER - 1;

function planOf(topics: Readonly<Record<string, number>>, tablesOf: readonly string[] = []): LanePlan {
  const partitions = Object.entries(topics).flatMap(([topic, count]) =>
    Array.from({ length: count }, (_, partition) => ({ topic, partition })),
  );
  return {
    name: "a lane",
    writer: "loader:a",
    partitions,
    anchor: partitions[0] ?? { topic: "a", partition: 0 },
    snapshotTables: tablesOf.map((topic) => ({ topic, family: "shop", table: `table_${topic}` })),
  };
}

function fullState(plan: LanePlan, back: number): LaneState {
  const topics = new Set(plan.partitions.map(({ topic }) => topic));
  const positions = new Map(
    [...topics].map((topic) => [
      topic,
      new Map(
        plan.partitions.filter((one) => one.topic === topic).map(({ partition }) => [partition, HIGHEST]),
      ),
    ]),
  );
  const openSnapshots = plan.snapshotTables.map((table) => ({
    ...table,
    from: new Map([...(positions.get(table.topic) ?? [])].map(([partition]) => [partition, HIGHEST - back])),
  }));
  return { positions, openSnapshots, step: 2 ** 34 };
}

describe("a cookie", () => {
  test("holds 64 partitions at offsets of 2^53 with a snapshot of a table open, within 1024 bytes", () => {
    const plan = planOf({ customers: 64 }, ["customers"]);
    const state = fullState(plan, 2 ** 33);
    const cookie = encodeLaneState(state, newSalt());
    expect(cookie.length).toBeLessThanOrEqual(largestCookieBytes(plan));
    expect(largestCookieBytes(plan)).toBeLessThanOrEqual(FORMAT_LIMITS.cookieBytes);
    expect(decodeLaneState(cookie, plan)).toEqual(state);
  });

  test("never is larger than was foreseen, whatever the topics and partitions", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.integer({ min: 1, max: 40 }), {
          minKeys: 1,
          maxKeys: 5,
        }),
        (topics) => {
          const plan = planOf(topics, Object.keys(topics).slice(0, 1));
          const cookie = encodeLaneState(fullState(plan, 2 ** 33), newSalt());
          expect(cookie.length).toBeLessThanOrEqual(largestCookieBytes(plan));
        },
      ),
      { seed: suiteSeed() },
    );
  });

  test("brings back every state, and equal states have equal bytes in whatever order they were built", () => {
    const plan = planOf({ a: 9, b: 3 }, ["a", "b"]);
    const offsets = fc.array(fc.tuple(fc.nat(8), fc.integer({ min: 0, max: 2 ** 51 })), { minLength: 1 });
    fc.assert(
      fc.property(offsets, offsets, offsets, fc.nat(), (a, b, from, step) => {
        const state: LaneState = {
          positions: new Map([
            ["a", new Map(a)],
            ["b", new Map(b)],
          ]),
          openSnapshots: [
            // It may also begin ahead of the position, where records are held back.
            {
              topic: "b",
              family: "shop",
              table: "table_b",
              from: new Map(from.map(([p, o]) => [p, Math.floor(o / 4)])),
            },
            { topic: "a", family: "shop", table: "table_a", from: new Map([[1, 7]]) },
          ],
          step,
        };
        const cookie = encodeLaneState(state);
        const decoded = decodeLaneState(cookie, plan);
        expect(decoded.positions).toEqual(state.positions);
        expect(decoded.step).toBe(step);
        expect(new Map(decoded.openSnapshots.map((one) => [one.topic, one]))).toEqual(
          new Map(state.openSnapshots.map((one) => [one.topic, one])),
        );
        const reordered: LaneState = {
          positions: new Map(
            [...state.positions].reverse().map(([topic, map]) => [topic, new Map([...map].reverse())]),
          ),
          openSnapshots: [...state.openSnapshots].reverse(),
          step,
        };
        expect(encodeLaneState(reordered)).toEqual(cookie);
      }),
      { seed: suiteSeed() },
    );
  });

  test("of an empty writer is the beginning", () => {
    expect(decodeLaneState(new Uint8Array(), planOf({ a: 1 }))).toEqual(EMPTY_LANE_STATE);
  });

  test("keeps the positions of topics that the mapping has no more, for when they come back", () => {
    const both = planOf({ a: 2, b: 1 });
    const state: LaneState = {
      positions: new Map([
        ["a", new Map([[1, 5]])],
        ["b", new Map([[0, 77]])],
      ]),
      openSnapshots: [],
      step: 0,
    };
    const withoutB = decodeLaneState(encodeLaneState(state), planOf({ a: 2 }));
    expect(withoutB.positions.get("a")).toEqual(new Map([[1, 5]]));
    expect(decodeLaneState(encodeLaneState(withoutB), both)).toEqual(state);
  });

  test("differs between two lanes that came equally far, so that none takes the other's batch for its own", () => {
    const state = fullState(planOf({ a: 1 }), 0);
    expect(encodeLaneState(state, newSalt())).not.toEqual(encodeLaneState(state, newSalt()));
  });

  test("R30 of somebody else is refused: other topics, other versions, cut, with more behind it, or any bytes", () => {
    const plan = planOf({ a: 2 });
    const refused = (bytes: Uint8Array) =>
      expect(() => decodeLaneState(bytes, plan)).toThrow(expect.objectContaining({ code: "cookie_foreign" }));
    const cookie = encodeLaneState(fullState(plan, 0), newSalt());
    refused(encodeLaneState(fullState(planOf({ b: 2 }), 0)));
    for (let cut = 1; cut < cookie.length; cut++) refused(cookie.subarray(0, cut));
    refused(Uint8Array.of(...cookie, 0));
    refused(Uint8Array.of(...cookie.subarray(0, 2), 2, ...cookie.subarray(3)));
    fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 1024 }), refused), { seed: suiteSeed() });
    // A count that no cookie has room for.
    refused(Uint8Array.of(...cookie.subarray(0, 9), 0, 1, 1, 2, 3, 4, 5, 6, 0, 0xff, 0xff, 0xff, 0xff, 0x7f));
  });
});
