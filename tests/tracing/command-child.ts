/** Opens a command's tracer with and without an endpoint, and prints how much of OpenTelemetry is loaded after each. */
import { tracingOf } from "../../cli/tracing-options.ts";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";

const context = { environment: {}, clock: systemClock, random: Math.random };
for (const otlpEndpoint of [undefined, "http://127.0.0.1:1"]) {
  const tracing = await tracingOf("test", { otlpEndpoint, traceRatio: undefined }, context, {
    logger: silentLogger,
  });
  const loaded = Object.keys(require.cache).filter((path) => path.includes("@opentelemetry")).length;
  console.log(tracing === null ? "off" : "on", loaded > 0 ? "loaded" : "not loaded");
}
