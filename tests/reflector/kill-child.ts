/**
 * A Reflector in a process of its own that kills itself at a named point.
 *
 * Arguments: LDB folder, seed and length of the ledger, crash point (or "none"), how often it is reached before, more
 * options of the Reflector as JSON (absent: a write-ahead log that is cut often).
 */
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import type { ReflectorOptions } from "../../reflector/options.ts";
import { startReflector } from "../../reflector/start.ts";
import { killAt } from "../support/kill-at.ts";
import { randomLedger } from "./random-ledger.ts";

const SMALL_LOG = JSON.stringify({ walCheckpointBytes: 32 * 1024, walCapBytes: 128 * 1024 });
const [ldbFolder = "", seed = "0", statements = "0", fatalPoint = "none", reached = "0", more = SMALL_LOG] =
  process.argv.slice(2);
const ledger = randomLedger(Number(seed), Number(statements));

const reflector = await startReflector(
  { source: ledger, logger: silentLogger, clock: systemClock, metrics: createMetrics() },
  {
    ldbFolder,
    pollIntervalMs: 5,
    pollRows: 150,
    transactionStatements: 40,
    sliceStatements: 15,
    ...(JSON.parse(more) as Partial<ReflectorOptions>),
    onPoint: killAt(fatalPoint, Number(reached)),
  },
);

while (reflector.status().sequence < ledger.head) await systemClock.sleep(5);
await reflector.stop();
console.log("complete");
