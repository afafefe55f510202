/**
 * Opens a tracer that sends to a collector. With `otel-tracer.ts` and `span-queue.ts` the only place that knows
 * OpenTelemetry; loaded when an operator asked for traces and not before (B14).
 *
 * Nothing global is changed: neither a tracer, nor a context, nor a propagator is registered.
 */
import { hostname } from "node:os";
import { JsonTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { VERSION } from "../../version.ts";
import type { Clock } from "../clock.ts";
import type { FetchLike } from "../fetch/fetch-like.ts";
import { reach } from "../fetch/reach.ts";
import type { Logger } from "../logger.ts";
import { OtelTracer } from "./otel-tracer.ts";
import { createSender } from "./sender.ts";
import type { Sampling, TraceSettings } from "./settings.ts";
import { SpanQueue } from "./span-queue.ts";
import { silentTraceMeter, type TraceMeter } from "./trace-metrics.ts";
import type { Tracer } from "./tracer.ts";

/** Its end sends what waits, for `stopMs` at most; it never rejects, and may come twice. */
export interface Tracing extends Tracer, AsyncDisposable {}

export interface TracingDeps {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random?: () => number;
  readonly meter?: TraceMeter;
  /** To the collector; what the settings say when absent. */
  readonly fetch?: FetchLike;
}

/** @throws CtlstoreError `config_invalid` when a certificate file cannot be used */
export function openTracing(settings: TraceSettings, deps: TracingDeps): Tracing {
  const { logger, clock, random = Math.random, meter = silentTraceMeter } = deps;
  const send =
    deps.fetch ?? reach(settings.url, settings.files, logger).fetch ?? ((url, init) => fetch(url, init));
  const queue = new SpanQueue(
    {
      serialize: (spans) => JsonTraceSerializer.serializeRequest(spans) ?? null,
      send: createSender(settings, send),
      meter,
      logger,
      random,
    },
    settings,
  );
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      "service.version": VERSION,
      "host.name": hostname(),
      ...settings.resource,
    }),
    sampler: samplerOf(settings.sampling),
    spanProcessors: [queue],
  });
  const tracer = new OtelTracer({ tracer: provider.getTracer("ctlstore", VERSION), clock });
  return {
    start: (name, start) => tracer.start(name, start),
    [Symbol.asyncDispose]: () => queue.shutdown(),
  };
}

function samplerOf({ ratio, followsParent }: Sampling): Sampler {
  const root = rootSampler(ratio);
  return followsParent ? new ParentBasedSampler({ root }) : root;
}

function rootSampler(ratio: number): Sampler {
  if (ratio >= 1) return new AlwaysOnSampler();
  return ratio <= 0 ? new AlwaysOffSampler() : new TraceIdRatioBasedSampler(ratio);
}
