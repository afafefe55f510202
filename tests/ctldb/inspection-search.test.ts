/** I13: a search of the ledger has a budget, gets somewhere with every request, and asks for a bounded part at a time. */
import { expect, test } from "bun:test";
import { INSPECTION_LIMITS } from "../../core/limits.ts";
import { type Clock, systemClock } from "../../core/process/clock.ts";
import { type Sequence, toSequence } from "../../core/sequence.ts";
import { type Search, type SearchStep, searchDown, searchUp } from "../../ctldb/inspection/entry-search.ts";
import type { SystemRow } from "../../ctldb/store.ts";

const HEAD = 50_000_000n;
const SEARCH: Search = {
  bounds: { first: toSequence(1), head: toSequence(HEAD) },
  condition: "family_name = 'nobody'",
  chars: 100,
  found: 10,
};

/** A ledger of fifty million entries of which none meets the condition; each query takes so long. */
function hugeLedger(queryMs: number) {
  let nowMs = 0;
  const ranges: bigint[] = [];
  const clock: Clock = { ...systemClock, monotonicMs: () => nowMs };
  const search = async (sql: string): Promise<SystemRow[]> => {
    nowMs += queryMs;
    const [, low, high] = /seq >= (\d+) AND seq <= (\d+)/.exec(sql) ?? [];
    if (low !== undefined && high !== undefined) {
      ranges.push(BigInt(high) - BigInt(low) + 1n);
      return [];
    }
    return [[/(?:>=|<=) (\d+)/.exec(sql)?.[1] ?? null]];
  };
  return { deps: { store: { search }, clock }, ranges, elapsedMs: () => nowMs };
}

async function lastOf(steps: AsyncGenerator<SearchStep>): Promise<Sequence | null> {
  let through: Sequence | null = null;
  for await (const step of steps) through = step.through;
  return through;
}

test("I13 a search ends after so many entries, and says how far it came, up and down", async () => {
  const { searchEntries, stepEntries } = INSPECTION_LIMITS;
  const down = hugeLedger(0);
  expect(await lastOf(searchDown(null, SEARCH, down.deps))).toBe(
    toSequence(HEAD - BigInt(searchEntries) + 1n),
  );
  const up = hugeLedger(0);
  expect(await lastOf(searchUp(toSequence(7), SEARCH, up.deps))).toBe(toSequence(7 + searchEntries));
  for (const { ranges } of [down, up]) {
    expect(ranges.length).toBe(searchEntries / stepEntries);
    expect(ranges.every((range) => range <= BigInt(stepEntries))).toBe(true);
  }
});

test("I13 a search ends when its time is up, and has looked at one step at least however slow the ctldb is", async () => {
  const { searchMs, stepEntries } = INSPECTION_LIMITS;
  const slow = hugeLedger(300);
  const through = await lastOf(searchDown(null, SEARCH, slow.deps));
  expect(slow.elapsedMs()).toBeLessThan(searchMs + 700);
  expect(slow.ranges.length).toBeGreaterThan(1);
  expect(through).toBe(toSequence(HEAD - BigInt(slow.ranges.length * stepEntries) + 1n));
  const slower = hugeLedger(10_000);
  expect(await lastOf(searchDown(null, SEARCH, slower.deps))).toBe(
    toSequence(HEAD - BigInt(stepEntries) + 1n),
  );
  expect(slower.ranges.length).toBe(1);
});
