/** R11 in the quick suite a sample, in the deep one a thousand kills. CTLSTORE_KILLS and CTLSTORE_SEED set both. */
import { expect, test } from "bun:test";
import { CRASH_POINTS } from "../../ldb/crash-points.ts";
import { isDeep, runsOf, suiteSeed } from "../support/suite.ts";
import { runKills } from "./kill.ts";

const kills = Number(process.env["CTLSTORE_KILLS"] ?? runsOf({ quick: 25, deep: 1_000 }));
const seed = Number(process.env["CTLSTORE_SEED"] ?? suiteSeed());
const PROGRESS_EVERY = 50;

test(
  `R11 I4 I6 rows and sequence always move together when a Reflector is killed ${kills} times`,
  async () => {
    console.error(`R11: ${kills} kills, repeat with CTLSTORE_KILLS=${kills} CTLSTORE_SEED=${seed}`);
    const summary = await runKills({
      kills,
      seed,
      onKill: (done) => {
        if (done % PROGRESS_EVERY === 0) console.error(`R11: ${done} of ${kills} kills`);
      },
    });
    console.error(`R11: ${JSON.stringify(summary)}`);
    expect(summary.kills).toBe(kills);
    if (!isDeep && kills < 25) return;
    for (const point of [...CRASH_POINTS, "random"]) expect(summary.at[point] ?? 0).toBeGreaterThan(0);
  },
  // A kill takes a fifth of a second on an idle machine.
  60_000 + kills * 2_000,
);
