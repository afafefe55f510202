/** A sample of the random runs of the changelog; five hundred in the deep suite. CTLSTORE_CHANGELOG_RUNS sets their number. */
import { expect, test } from "bun:test";
import { isDeep, runsOf, suiteSeed } from "../support/suite.ts";
import { type RunSummary, runChangelog } from "./changelog-run.ts";

const runs = Number(process.env["CTLSTORE_CHANGELOG_RUNS"] ?? runsOf({ quick: 10, deep: 500 }));
const PROGRESS_EVERY = 50;

test(
  `D17 a consumer's copy is the LDB, and each change was told once, after ${runs} runs with kills, rotation and flips`,
  async () => {
    const seed = suiteSeed();
    const total = { kills: {}, flips: 0, crashes: 0, invalidations: {}, events: 0 };
    for (let run = 0; run < runs; run++) {
      add(total, await runChangelog(seed + run));
      if ((run + 1) % PROGRESS_EVERY === 0) console.error(`changelog: ${run + 1} of ${runs} runs`);
    }
    console.error(`changelog, seed ${seed}: ${runs} runs, ${JSON.stringify(total)}`);
    expect(total.events).toBeGreaterThan(runs * 100);
    if (isDeep) expect(Object.keys(total.invalidations).sort()).toEqual(["reset", "too_old"]);
  },
  // A run takes a second on an idle machine.
  60_000 + runs * 8_000,
);

type Total = {
  -readonly [Name in keyof RunSummary]: RunSummary[Name] extends number ? number : Record<string, number>;
};

function add(total: Total, summary: RunSummary): void {
  total.flips += summary.flips;
  total.crashes += summary.crashes;
  total.events += summary.events;
  for (const name of ["kills", "invalidations"] as const) {
    for (const [what, count] of Object.entries(summary[name])) {
      total[name][what] = (total[name][what] ?? 0) + count;
    }
  }
}
