/**
 * A Reflector that bootstraps, in a process of its own that kills itself at a named point, for `kill.ts`.
 *
 * Arguments: LDB folder, URL of the store, seed and length of the ledger, sequence below which it was pruned, point (or
 * "none"), how often that is reached before.
 */
import { systemClock } from "../../../core/process/clock.ts";
import { silentLogger } from "../../../core/process/logger.ts";
import { createMetrics } from "../../../core/process/metrics.ts";
import { toSequence } from "../../../core/sequence.ts";
import { startReflector } from "../../../reflector/start.ts";
import { killAt } from "../../support/kill-at.ts";
import { randomLedger } from "../random-ledger.ts";

const [
  ldbFolder = "",
  url = "",
  seed = "0",
  length = "0",
  prunedBelow = "0",
  fatalPoint = "none",
  reached = "0",
] = process.argv.slice(2);
const ledger = randomLedger(Number(seed), Number(length));
ledger.prunedBelow = toSequence(prunedBelow);

const reflector = await startReflector(
  { source: ledger, logger: silentLogger, clock: systemClock, metrics: createMetrics() },
  {
    ldbFolder,
    pollIntervalMs: 5,
    pollRows: 150,
    transactionStatements: 40,
    bootstrap: { url, jitterMs: 0, backoffMs: { base: 20, max: 50 } },
    onPoint: killAt(fatalPoint, Number(reached)),
  },
);

while (reflector.status().sequence < ledger.head) await systemClock.sleep(5);
await reflector.stop();
console.log("complete");
