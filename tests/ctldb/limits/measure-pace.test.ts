/** When the next round of measuring is: by a clock of the test's own. */
import { describe, expect, test } from "bun:test";
import { SIZE_WATCH_LIMITS } from "../../../core/limits.ts";
import { type Clock, systemClock } from "../../../core/process/clock.ts";
import { MeasurePace } from "../../../ctldb/limits/measure-pace.ts";
import { until } from "../../support/until.ts";

const { earlyBytes, earliestMs, pausePerRound } = SIZE_WATCH_LIMITS;
const INTERVAL_MS = 15_000;

/** Sleeps end when the test says so; each says how long it was to be. */
function startPace(intervalMs = INTERVAL_MS) {
  let nowMs = 0;
  const sleeps: Array<{ readonly ms: number; readonly end: () => void; isOver: boolean }> = [];
  const clock: Clock = {
    ...systemClock,
    monotonicMs: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const sleep = {
          ms,
          isOver: false,
          end: () => {
            nowMs += ms;
            sleep.isOver = true;
            resolve();
          },
        };
        sleeps.push(sleep);
        signal?.addEventListener("abort", () => {
          sleep.isOver = true;
          reject(signal.reason);
        });
      }),
  };
  const pace = new MeasurePace(clock, intervalMs);
  const stopping = new AbortController();
  const rounds: number[] = [];
  const took = { ms: 0 };
  const running = pace.run(async () => {
    rounds.push(nowMs);
    nowMs += took.ms;
  }, stopping.signal);
  /** Waits for the sleep of this number to begin. */
  const sleepOf = (index: number) => until(() => sleeps[index], { what: `sleep ${index}` });
  return { pace, took, rounds, sleeps, sleepOf, running, stopping };
}

describe("the pace of measuring", () => {
  test("is the interval when little is written", async () => {
    const { pace, rounds, sleepOf } = startPace();
    for (const round of [0, 1]) {
      expect((await sleepOf(2 * round)).ms).toBe(earliestMs);
      pace.wrote(earlyBytes - 1);
      (await sleepOf(2 * round)).end();
      expect((await sleepOf(2 * round + 1)).ms).toBe(INTERVAL_MS - earliestMs);
      (await sleepOf(2 * round + 1)).end();
    }
    await until(() => rounds.length === 3, { what: "three rounds" });
    expect(rounds).toEqual([0, INTERVAL_MS, 2 * INTERVAL_MS]);
  });

  test("is faster when much is written, but never without a pause", async () => {
    const { pace, rounds, sleepOf } = startPace();
    pace.wrote(earlyBytes);
    expect(rounds).toEqual([0]);
    (await sleepOf(0)).end();
    // The next round begins at once, and counts anew.
    await until(() => rounds.length === 2, { what: "the second round" });
    (await sleepOf(1)).end();
    expect((await sleepOf(2)).ms).toBe(INTERVAL_MS - earliestMs);
    pace.wrote(earlyBytes / 2);
    expect(rounds.length).toBe(2);
    pace.wrote(earlyBytes / 2);
    await until(() => rounds.length === 3, { what: "the third round" });
  });

  test("leaves most of the time to others when a round takes long", async () => {
    const { pace, took, sleepOf } = startPace();
    (await sleepOf(0)).end();
    took.ms = 20_000;
    (await sleepOf(1)).end();
    expect((await sleepOf(2)).ms).toBe(pausePerRound * 20_000);
    pace.wrote(earlyBytes);
    took.ms = 0;
    (await sleepOf(2)).end();
    expect((await sleepOf(3)).ms).toBe(earliestMs);
  });

  test("ends with the signal, in either pause", async () => {
    const first = startPace();
    await first.sleepOf(0);
    first.stopping.abort();
    await first.running;
    const second = startPace();
    (await second.sleepOf(0)).end();
    await second.sleepOf(1);
    second.stopping.abort();
    await second.running;
    expect([first.rounds.length, second.rounds.length]).toEqual([1, 1]);
  });
});
