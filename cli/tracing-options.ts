/** Traces: where a collector is and how many are kept; and how a service comes to its tracer. */
import { messageOf } from "../core/errors.ts";
import type { Logger } from "../core/process/logger.ts";
import type { Metrics } from "../core/process/metrics.ts";
import type { Tracing } from "../core/process/tracing/open.ts";
import type { TraceSettings } from "../core/process/tracing/settings.ts";
import { createTraceMeter, silentTraceMeter } from "../core/process/tracing/trace-metrics.ts";
import type { CommandContext } from "./command.ts";
import { type OptionValues, option } from "./options.ts";
import { httpUrl } from "./parsers.ts";

export const TRACING_OPTIONS = {
  otlpEndpoint: option({
    flag: "otlp-endpoint",
    placeholder: "URL",
    help: "send OpenTelemetry traces to this collector, by OTLP over HTTP; without it, and without OTEL_EXPORTER_OTLP_ENDPOINT, nothing is traced",
    parse: httpUrl,
    fallback: undefined,
  }),
  traceRatio: option({
    flag: "trace-ratio",
    placeholder: "RATIO",
    help: "part of the traces that begin here which is kept, from 0 to 1; without it what OTEL_TRACES_SAMPLER says, or all",
    parse: ratio,
    fallback: undefined,
  }),
};

function ratio(value: string): number {
  const parsed = /^\d(\.\d{1,9})?$/.test(value) ? Number(value) : Number.NaN;
  if (parsed >= 0 && parsed <= 1) return parsed;
  throw new Error("it must be a number from 0 to 1, such as 0.01");
}

export interface TracingDeps {
  readonly logger: Logger;
  /** Of the service; absent where it shows none. */
  readonly metrics?: Metrics;
}

/**
 * The tracer of a service, or null when nobody asked for traces: then OpenTelemetry is not even loaded (B14).
 * @param service its name in traces, unless OTEL_SERVICE_NAME gives another
 */
export async function tracingOf(
  service: string,
  options: OptionValues<typeof TRACING_OPTIONS>,
  context: Pick<CommandContext, "environment" | "clock" | "random">,
  { logger, metrics }: TracingDeps,
): Promise<Tracing | null> {
  // Also without traces, so that there is a series to look at.
  const meter = metrics === undefined ? silentTraceMeter : createTraceMeter(metrics);
  const { readTraceSettings } = await import("../core/process/tracing/settings.ts");
  const { settings, complaints } = readTraceSettings(service, options, context.environment);
  for (const problem of complaints) logger.warn({ problem }, "a variable of OpenTelemetry is not used");
  if (settings === null) return null;
  const { openTracing } = await import("../core/process/tracing/open.ts");
  const { clock, random } = context;
  return orNone(logger, settings, () => openTracing(settings, { logger, clock, random, meter }));
}

/** Variables that are wrong are no reason not to run: they are often meant for all programs of a host. */
function orNone(logger: Logger, { url, sampling }: TraceSettings, open: () => Tracing): Tracing | null {
  try {
    const tracing = open();
    logger.info({ collector: new URL(url).host, ...sampling }, "traces are sent");
    return tracing;
  } catch (error) {
    logger.warn(
      { reason: messageOf(error) },
      "nothing is traced: the files for the collector cannot be used",
    );
    return null;
  }
}

/** The dependency of whoever leaves spans. */
export function tracerOf(tracing: Tracing | null): { readonly tracer?: Tracing } {
  return tracing === null ? {} : { tracer: tracing };
}
