/**
 * A Reflector that keeps a changelog, in a process of its own that kills itself at a named point, for `changelog-run.ts`.
 *
 * Its one argument is the order, in JSON. Ends by itself, well, when the LDB has come to the end of the ledger.
 */
import { systemClock } from "../../core/process/clock.ts";
import { createLogger } from "../../core/process/logger.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import { quickCheck } from "../../ldb/copy-database.ts";
import { startReflector } from "../../reflector/start.ts";
import { QUICK_BOOTSTRAP, sourceInProcess } from "../reflector/bootstrap/harness.ts";
import { killAt } from "../support/kill-at.ts";
import { until } from "../support/until.ts";
import { changesLedger } from "./changelog-ledger.ts";

export interface ReflectorOrder {
  readonly ldbFolder: string;
  readonly seed: number;
  readonly statements: number;
  readonly changelog: { readonly fileBytes: number; readonly files: number };
  readonly pollRows: number;
  readonly transactionStatements: number;
  /** A store of snapshots to replace the LDB from at the start. */
  readonly flipTo: string | null;
  readonly point: string;
  readonly reachedBefore: number;
}

const order = JSON.parse(process.argv[2] ?? "") as ReflectorOrder; // written by changelog-run.ts
const { ldbFolder, changelog, pollRows, transactionStatements, flipTo } = order;
const { ledger } = changesLedger(order.seed, order.statements);
const bootstrap =
  flipTo === null
    ? { deps: {}, options: {} }
    : {
        deps: { snapshots: sourceInProcess(flipTo), checkLdb: async (path: string) => quickCheck(path) },
        options: { bootstrap: { ...QUICK_BOOTSTRAP, url: flipTo, force: true } },
      };

const reflector = await startReflector(
  {
    source: ledger,
    logger: createLogger("reflector", "warn"),
    clock: systemClock,
    metrics: createMetrics(),
    ...bootstrap.deps,
  },
  {
    ldbFolder,
    changelog,
    pollRows,
    transactionStatements,
    pollIntervalMs: 1,
    sliceStatements: 15,
    walCheckpointBytes: 32 * 1024,
    walCapBytes: 128 * 1024,
    ...bootstrap.options,
    onPoint: killAt(order.point, order.reachedBefore),
  },
);

await until(
  () => {
    const { sequence, bootstrap: running } = reflector.status();
    return sequence === ledger.head && running === null;
  },
  { what: "the end of the ledger", intervalMs: 2, deadlineMs: 20_000 },
).catch((cause) => {
  throw new Error(`the Reflector is not at ${ledger.head}: ${Bun.inspect(reflector.status())}`, { cause });
});
await reflector.stop();
