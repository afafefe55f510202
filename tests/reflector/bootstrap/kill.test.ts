/** R11 for bootstraps: in the quick suite a sample, in the deep one three hundred kills. */
import { expect, test } from "bun:test";
import { runsOf, suiteSeed } from "../../support/suite.ts";
import { runBootstrapKills } from "./kill.ts";

const kills = Number(process.env["CTLSTORE_KILLS"] ?? runsOf({ quick: 14, deep: 300 }));
const seed = Number(process.env["CTLSTORE_SEED"] ?? suiteSeed());

test(
  `R11 I9 a Reflector killed ${kills} times while it bootstraps ends in the same state`,
  async () => {
    console.error(`bootstraps: ${kills} kills, repeat with CTLSTORE_KILLS=${kills} CTLSTORE_SEED=${seed}`);
    const summary = await runBootstrapKills({ kills, seed });
    console.error(`bootstraps: ${JSON.stringify(summary)}`);
    expect(summary.kills).toBe(kills);
  },
  // A kill takes half a second on an idle machine.
  60_000 + kills * 5_000,
);
