/** A Reflector that ends itself with SIGKILL: at a named point, or once it has reached the ledger's head. */
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import { openLedgerSource } from "../../ctldb/open.ts";
import { startReflector } from "../../reflector/start.ts";
import { until } from "../support/until.ts";
import type { FollowLimits } from "./steps.ts";

interface Order {
  readonly url: string;
  readonly ldbFolder: string;
  readonly limits: FollowLimits;
  readonly point: string;
  readonly hits: number;
  readonly head: string;
}

const order = JSON.parse(process.argv[2] ?? "") as Order; // written by local.ts
const die = () => process.kill(process.pid, "SIGKILL");
const deps = { logger: silentLogger, clock: systemClock };
let left = order.hits;

const reflector = await startReflector(
  { ...deps, source: openLedgerSource(order.url, deps), metrics: createMetrics() },
  {
    ...order.limits,
    ldbFolder: order.ldbFolder,
    pollIntervalMs: 1,
    // Checkpoints come often enough to be interrupted.
    walCheckpointBytes: 16 * 1024,
    onPoint: (point) => {
      if (point === order.point && --left === 0) die();
    },
  },
);
await until(() => reflector.status().sequence === BigInt(order.head), { what: "the head", intervalMs: 1 });
die();
