/** A status endpoint by itself, on Bun or Node: prints its address, and goes on until it is killed. */
import { isCtlstoreError } from "../../core/errors.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import { startStatusEndpointAnywhere } from "../../core/process/status-endpoint.ts";

const metrics = createMetrics();
const asked = metrics.counter("asked_total", "How often the metrics were asked for.");
try {
  const endpoint = await startStatusEndpointAnywhere(
    {
      status: () => ({ state: "current", sequence: 9007199254740993n, text: "größe" }),
      readiness: () => ({ ready: false, reason: "loading" }),
      refreshMetrics: () => asked.inc(),
      metrics,
    },
    process.argv[2] ?? "127.0.0.1:0",
  );
  console.log(`serving ${endpoint.url}`);
} catch (error) {
  console.log(`failed ${isCtlstoreError(error) ? error.code : error}`);
}
