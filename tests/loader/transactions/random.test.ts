/** Random transactions over several topics and partitions, in any order of arrival, with kills and connectors that repeat. */
import { describe, expect, test } from "bun:test";
import { runsOf, seededRandom, suiteSeed } from "../../support/suite.ts";
import { LaneRun } from "./lane-run.ts";
import { OriginLog, type OriginTransaction } from "./origin-log.ts";

const RUNS = runsOf({ quick: 150, deep: 5_000 });

function story(seed: number, transactions: number, restarts: number) {
  const random = seededRandom(seed);
  const origin = new OriginLog(random);
  for (let i = 0; i < transactions; i++) {
    if (random() < restarts) origin.commitWithRestart();
    else origin.commit();
    if (random() < 0.2) origin.addStranger();
  }
  return { random, origin };
}

/** Those of which the lane reads something. */
function visible(transactions: readonly OriginTransaction[]): readonly OriginTransaction[] {
  return transactions.filter(({ changes }) => changes.length > 0);
}

describe("I3 R30 transactions of the origin", () => {
  test("each is one unit, whole and in order, and every state between is one of the origin's, when the loader is killed at any unit", () => {
    const first = suiteSeed();
    for (let run = 0; run < RUNS; run++) {
      const seed = first + run;
      const { random, origin } = story(seed, 25, 0);
      const lane = new LaneRun(origin, random);
      lane.readAll(run % 3 === 0 ? 0 : 0.15);
      const wanted = visible(origin.transactions);
      expect(lane.held, `seed ${seed}`).toBe(0);
      expect(
        lane.applied.map(({ changes }) => changes),
        `seed ${seed}`,
      ).toEqual(wanted.map(({ changes }) => changes));
      expect(
        lane.applied.map(({ rows }) => sorted(rows)),
        `seed ${seed}`,
      ).toEqual(wanted.map(({ rows }) => sorted(rows)));
      expect(lane.applied.every(({ isTransaction }) => isTransaction)).toBeTrue();
      for (const [name, records] of origin.log)
        expect(lane.positions.get(name) ?? 0, name).toBe(records.length);
    }
  });

  test("each comes whole before any of it comes again when the connector is killed and sends again", () => {
    const first = suiteSeed() + 1_000_000;
    for (let run = 0; run < RUNS; run++) {
      const seed = first + run;
      const { random, origin } = story(seed, 25, 0.3);
      const lane = new LaneRun(origin, random);
      lane.readAll();
      lane.settle();
      const wanted = visible(origin.transactions).map(({ changes }) => changes);
      expect(lane.held, `seed ${seed}`).toBe(0);
      expect(lane.firstEffects(), `seed ${seed}`).toEqual(wanted);
      expect(sorted(lane.rows), `seed ${seed}`).toEqual(
        sorted(origin.transactions.at(-1)?.rows ?? new Map()),
      );
      for (const outcome of ["incomplete", "without-end", "in-parts"])
        expect(lane.counts.get(outcome)).toBeUndefined();
      for (const [name, records] of origin.log)
        expect(lane.positions.get(name) ?? 0, name).toBe(records.length);
    }
  });

  test("the rows are the origin's in the end when both are killed again and again", () => {
    const first = suiteSeed() + 2_000_000;
    for (let run = 0; run < RUNS; run++) {
      const seed = first + run;
      const { random, origin } = story(seed, 25, 0.3);
      const lane = new LaneRun(origin, random);
      lane.readAll(0.1);
      lane.settle();
      expect(lane.held, `seed ${seed}`).toBe(0);
      expect(sorted(lane.rows), `seed ${seed}`).toEqual(
        sorted(origin.transactions.at(-1)?.rows ?? new Map()),
      );
    }
  });
});

function sorted(rows: ReadonlyMap<string, number>): (readonly [string, number])[] {
  return [...rows].toSorted();
}
