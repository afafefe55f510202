/** I13: a search of the ledger has a budget, gets somewhere with every request, and asks for a bounded part at a time. */
import { expect, test } from "bun:test";
import { INSPECTION_LIMITS } from "../../core/limits.ts";
import { type Clock, systemClock } from "../../core/process/clock.ts";
import { SEQUENCE_ZERO, type Sequence, toSequence } from "../../core/sequence.ts";
import { type Search, type SearchStep, searchDown, searchUp } from "../../ctldb/inspection/entry-search.ts";
import type { FoundRows } from "../../ctldb/store.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { COUNTS, FAMILY, openFilled } from "./fixture.ts";

const HEAD = 50_000_000n;
const SEARCH: Search = {
  bounds: { first: toSequence(1), head: toSequence(HEAD) },
  condition: "family_name = 'nobody'",
  chars: 100,
  found: 10,
};

/** A ledger of fifty million entries of which none meets the condition; a query over a range of them takes so long. */
function hugeLedger(msOf: (entries: number, low: number) => number) {
  let nowMs = 0;
  const steps: Array<{ readonly entries: number; readonly ms: number }> = [];
  const clock: Clock = { ...systemClock, monotonicMs: () => nowMs };
  const search = async (sql: string): Promise<FoundRows> => {
    const [, low, high] = /seq >= (\d+) AND seq <= (\d+)/.exec(sql) ?? [];
    if (low === undefined || high === undefined)
      return { rows: [[/(?:>=|<=) (\d+)/.exec(sql)?.[1] ?? null]], tookMs: 0 };
    const entries = Number(BigInt(high) - BigInt(low)) + 1;
    const ms = msOf(entries, Number(low));
    nowMs += ms;
    steps.push({ entries, ms });
    return { rows: [], tookMs: ms };
  };
  const searched = () => steps.reduce((sum, { entries }) => sum + entries, 0);
  return {
    deps: { store: { search, leaderTimestamp: "leader_ts" }, clock },
    steps,
    searched,
    elapsedMs: () => nowMs,
  };
}

async function lastOf(steps: AsyncGenerator<SearchStep>): Promise<Sequence | null> {
  let through: Sequence | null = null;
  for await (const step of steps) through = step.through;
  return through;
}

test("I13 a search ends after so many entries, and says how far it came, up and down", async () => {
  const { searchEntries, stepEntries } = INSPECTION_LIMITS;
  const down = hugeLedger(() => 0);
  const end = (await lastOf(searchDown(null, SEARCH, down.deps))) ?? 0n;
  expect(end).toBe(toSequence(HEAD - BigInt(down.searched()) + 1n));
  const up = hugeLedger(() => 0);
  expect(await lastOf(searchUp(toSequence(7), SEARCH, up.deps))).toBe(toSequence(7 + up.searched()));
  for (const { steps, searched } of [down, up]) {
    expect(searched()).toBeGreaterThanOrEqual(searchEntries);
    expect(searched()).toBeLessThan(searchEntries + stepEntries.max);
    expect(Math.max(...steps.map(({ entries }) => entries))).toBe(stepEntries.max);
  }
});

test("I13 a search ends when its time is up, and has looked at one step at least however slow the ctldb is", async () => {
  const { searchMs, stepEntries } = INSPECTION_LIMITS;
  const slow = hugeLedger((entries) => 0.3 * entries);
  const through = await lastOf(searchDown(null, SEARCH, slow.deps));
  expect(slow.elapsedMs()).toBeLessThan(searchMs + 700);
  expect(slow.steps.length).toBeGreaterThan(1);
  expect(through).toBe(toSequence(HEAD - BigInt(slow.searched()) + 1n));
  const slower = hugeLedger((entries) => 1_000 * entries);
  expect(await lastOf(searchDown(null, SEARCH, slower.deps))).toBe(
    toSequence(HEAD - BigInt(stepEntries.first) + 1n),
  );
  expect(slower.steps.length).toBe(1);
});

test("R21 a search takes short steps where entries are long, and wide ones again where they are not", async () => {
  const { stepEntries, stepMs } = INSPECTION_LIMITS;
  // A stretch of long statements in an ordinary ledger.
  const longOnes = (entries: number, low: number) =>
    Math.max(0, Math.min(low + entries, 23_000) - Math.max(low, 20_000));
  const ledger = hugeLedger((entries, low) => 0.001 * entries + 0.4 * longOnes(entries, low));
  await lastOf(searchUp(SEQUENCE_ZERO, SEARCH, ledger.deps));
  const long = ledger.steps.filter(({ ms }) => ms > stepMs);
  // Where it begins nobody can know: one step goes far into it, and where that has but a few of it, so does the next.
  expect(long.length).toBeLessThanOrEqual(2);
  expect(ledger.steps.filter(({ entries }) => entries < stepEntries.first).length).toBeGreaterThan(5);
  expect(ledger.steps.at(-1)?.entries).toBe(stepEntries.max);
  const all = hugeLedger((entries) => entries);
  await lastOf(searchUp(SEQUENCE_ZERO, SEARCH, all.deps));
  expect(all.steps[0]?.entries).toBe(stepEntries.first);
  expect(all.steps.slice(1).every(({ ms }) => ms <= stepMs)).toBe(true);
});

test("R21 many who search an embedded ledger at a time leave a turn of the event loop between any two of their steps", async () => {
  using folder = tempFolder("turns");
  await using ctldb = await openFilled(`sqlite:${folder.file("ctldb.db")}`);
  let turns = 0;
  let isOver = false;
  const countTurns = () => {
    turns += 1;
    if (!isOver) setImmediate(countTurns);
  };
  countTurns();
  const request = { family: FAMILY, table: COUNTS.table, key: ["a"], before: null, limit: 1 };
  await Promise.all(Array.from({ length: 50 }, () => ctldb.inspection.history(request)));
  isOver = true;
  expect(turns).toBeGreaterThanOrEqual(50);
});
