/** A Reflector in a process of its own, on a ledger that grows by an entry every few milliseconds. */
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import { startReflector } from "../../reflector/start.ts";
import { CREATE_T, MemoryLedger, put } from "./memory-ledger.ts";

const ledger = new MemoryLedger();
ledger.append(CREATE_T);
const deps = { source: ledger, logger: silentLogger, clock: systemClock, metrics: createMetrics() };
const options = { ldbFolder: process.argv[2] ?? "", pollIntervalMs: 5, bind: "127.0.0.1:0" };

try {
  const reflector = await startReflector(deps, options);
  console.log(`listening ${reflector.url}`);
  for (let key = 0; ; key++) {
    ledger.append(put(key % 100, key));
    await systemClock.sleep(5);
  }
} catch (error) {
  console.error(error);
  process.exit(1);
}
