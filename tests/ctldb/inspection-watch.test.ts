/** I13: those who wait for the ledger cost the ctldb one look at a time, together, and none while nobody waits. */
import { expect, test } from "bun:test";
import { CtlstoreError } from "../../core/errors.ts";
import { INSPECTION_LIMITS } from "../../core/limits.ts";
import { type Clock, systemClock } from "../../core/process/clock.ts";
import { HeadWatch } from "../../ctldb/inspection/head-watch.ts";
import { until } from "../support/until.ts";
import { failureOf } from "./fixture.ts";

const never = new AbortController().signal;

/** A ledger whose head the test moves, and a clock whose pauses the test ends. */
function watchedLedger() {
  const state = { head: 5n, looks: 0, nowMs: 0, failure: null as CtlstoreError | null };
  const pauses: { readonly ms: number; readonly end: () => void }[] = [];
  const clock: Clock = {
    ...systemClock,
    monotonicMs: () => state.nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason));
        pauses.push({ ms, end: resolve });
      }),
  };
  const readHead = async () => {
    state.looks += 1;
    if (state.failure !== null) throw state.failure;
    return state.head;
  };
  const paused = () => until(() => pauses.length > 0, { what: "a pause", intervalMs: 1 });
  const next = () => pauses.shift()?.end();
  return { watch: new HeadWatch({ clock, readHead }), state, pauses, paused, next };
}

test("I13 hundreds who wait share one look per pause, and nobody looks when nobody waits", async () => {
  const { watch, state, pauses, paused, next } = watchedLedger();
  const waits = Array.from({ length: 300 }, () => watch.until(5n, 60_000, never));
  await paused();
  expect([state.looks, pauses[0]?.ms]).toEqual([1, INSPECTION_LIMITS.watchMs]);
  waits.push(watch.until(5n, 60_000, never));
  next();
  await paused();
  expect(state.looks).toBe(2);
  state.head = 6n;
  next();
  await Promise.all(waits);
  expect([state.looks, pauses.length]).toEqual([3, 0]);
  state.nowMs += 10_000;
  // It is there already: one look tells.
  await watch.until(5n, 60_000, never);
  expect([state.looks, pauses.length]).toEqual([4, 0]);
});

test("who waits for a later entry goes on waiting", async () => {
  const { watch, state, paused } = watchedLedger();
  let later = false;
  const waits = [watch.until(5n, 60_000, never), watch.until(6n, 60_000, never).then(() => (later = true))];
  await paused();
  watch.moved(6n);
  await waits[0];
  expect(later).toBe(false);
  state.nowMs += 10_000;
  watch.moved(7n);
  await Promise.all(waits);
});

test("I13 many are woken together and less often than few, however much is written", async () => {
  const { watch, state, pauses } = watchedLedger();
  const { wakesPerSecond } = INSPECTION_LIMITS;
  let woken = 0;
  const wait = (after: bigint) => watch.until(after, 60_000, never).then(() => (woken += 1));
  const first = Array.from({ length: wakesPerSecond }, () => wait(5n));
  watch.moved(6n);
  await Promise.all(first);
  expect(woken).toBe(wakesPerSecond);
  // A second's worth: the next ones are told of all that came meanwhile when it is over, and once.
  const second = Array.from({ length: 10 }, (_, i) => wait(6n + BigInt(i)));
  for (let i = 7n; i < 1_000n; i++) watch.moved(i);
  const quiet = pauses.filter(({ ms }) => ms === 1000);
  expect([woken, quiet.length]).toEqual([wakesPerSecond, 1]);
  state.nowMs = 1000;
  quiet[0]?.end();
  await Promise.all(second);
  expect(woken).toBe(wakesPerSecond + 10);
  // Few are told at once.
  state.nowMs = 1020;
  const third = wait(1_000n);
  watch.moved(1_001n);
  await third;
});

test("everybody who waits is told when the ctldb cannot be asked, and the next one asks again", async () => {
  const { watch, state, paused, next } = watchedLedger();
  const waits = [1, 2, 3].map(() => failureOf(watch.until(5n, 60_000, never)));
  await paused();
  state.failure = new CtlstoreError("ctldb_unavailable", "Cannot read the ledger: it is away");
  next();
  expect((await Promise.all(waits)).map(({ code }) => code)).toEqual(waits.map(() => "ctldb_unavailable"));
  state.failure = null;
  const again = watch.until(5n, 60_000, never);
  await paused();
  watch[Symbol.dispose]();
  await again;
});
