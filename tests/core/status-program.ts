/**
 * A status endpoint by itself, on Bun or Node: `status-program [BIND [CERT KEY CLIENT_CA]]`. Prints its address, and goes
 * on until it is killed.
 */
import { isCtlstoreError } from "../../core/errors.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import { startStatusEndpoint } from "../../core/process/status-endpoint.ts";

const [bind = "127.0.0.1:0", certFile, keyFile, clientCaFile] = process.argv.slice(2);
const tls =
  certFile === undefined || keyFile === undefined || clientCaFile === undefined
    ? {}
    : { tls: { certFile, keyFile, clientCaFile } };
const metrics = createMetrics();
const asked = metrics.counter("asked_total", "How often the metrics were asked for.");
metrics.beforeRender(() => asked.inc());
try {
  const endpoint = await startStatusEndpoint(
    {
      status: () => ({ state: "current", sequence: 9007199254740993n, text: "größe" }),
      readiness: () => ({ ready: false, reason: "loading" }),
      metrics,
    },
    { bind, ...tls },
  );
  console.log(`serving ${endpoint.url}`);
} catch (error) {
  console.log(`failed ${isCtlstoreError(error) ? error.code : error}`);
}
