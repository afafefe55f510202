/**
 * What an operator asked for, by flags and by OpenTelemetry's standard environment, read once at the start.
 *
 * No endpoint, no traces. A flag that cannot be used ends the start, as with all flags. A variable that cannot be used is
 * often meant for all programs of a host: it is told in the log, by its name and never with its value, which may hold a
 * token, and the service runs without it.
 */
import { TRACE_LIMITS } from "../../limits.ts";
import type { ClientFiles } from "../fetch/client-tls.ts";
import { endpointFrom } from "./endpoint.ts";
import { EnvironmentReader, type Variables } from "./environment.ts";

export interface TraceFlags {
  /** Where the collector is, a URL that has been checked; `/v1/traces` is put behind it. */
  readonly otlpEndpoint?: string | undefined;
  /** The part of new traces that is kept, from 0 to 1. */
  readonly traceRatio?: number | undefined;
}

/** Which traces are kept: of those that begin here a part, and of those that come with a request what their parent says. */
export interface Sampling {
  readonly ratio: number;
  /** False: a request's own wish does not count. */
  readonly followsParent: boolean;
}

export interface TraceSettings {
  /** Where spans are sent. */
  readonly url: string;
  /** They may hold a token. */
  readonly headers: Readonly<Record<string, string>>;
  readonly files: ClientFiles;
  readonly gzip: boolean;
  readonly requestMs: number;
  readonly intervalMs: number;
  readonly queueSpans: number;
  readonly batchSpans: number;
  /** How long what waits is sent for at a stop. */
  readonly stopMs: number;
  readonly sampling: Sampling;
  /** What the spans are of: `service.name` and what the environment says beside it. */
  readonly resource: Readonly<Record<string, string>>;
}

export interface ReadTraceSettings {
  /** Null: no traces. */
  readonly settings: TraceSettings | null;
  /** What of the environment cannot be used, for the log. */
  readonly complaints: readonly string[];
}

const EVERYTHING: Sampling = { ratio: 1, followsParent: true };

/** @param service its name where the environment gives none, such as `ctlstore-executive` */
export function readTraceSettings(
  service: string,
  flags: TraceFlags,
  variables: Variables,
): ReadTraceSettings {
  const environment = new EnvironmentReader(variables);
  const { complaints } = environment;
  const isOff =
    environment.isTrue("OTEL_SDK_DISABLED") || environment.text("OTEL_TRACES_EXPORTER") === "none";
  const url = isOff ? null : endpointFrom(flags.otlpEndpoint, environment);
  if (url === null) return { settings: null, complaints };
  complainOfProtocol(environment);
  const { queueSpans, batchSpans, intervalMs, requestMs } = TRACE_LIMITS;
  const queue = environment.integer("OTEL_BSP_MAX_QUEUE_SIZE", { min: 1, ...queueSpans });
  const settings: TraceSettings = {
    url,
    headers: environment.headers(environment.ofTraces("HEADERS")),
    files: filesFrom(environment),
    gzip: environment.text(environment.ofTraces("COMPRESSION")) === "gzip",
    requestMs: environment.integer(environment.ofTraces("TIMEOUT"), requestMs),
    intervalMs: environment.integer("OTEL_BSP_SCHEDULE_DELAY", intervalMs),
    queueSpans: queue,
    batchSpans: Math.min(
      queue,
      environment.integer("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", { min: 1, ...batchSpans }),
    ),
    stopMs: TRACE_LIMITS.stopMs,
    sampling:
      flags.traceRatio === undefined
        ? samplingFrom(environment)
        : { ratio: flags.traceRatio, followsParent: true },
    resource: resourceFrom(service, environment),
  };
  return { settings, complaints };
}

/** We send JSON over HTTP, which every collector takes at the port where it takes Protobuf over HTTP. */
function complainOfProtocol(environment: EnvironmentReader): void {
  const name = environment.ofTraces("PROTOCOL");
  if (environment.text(name) !== "grpc") return;
  environment.complain(
    name,
    "grpc is not spoken here: spans are sent as JSON over HTTP, usually to port 4318",
  );
}

function filesFrom(environment: EnvironmentReader): ClientFiles {
  return {
    caFile: environment.text(environment.ofTraces("CERTIFICATE")),
    certFile: environment.text(environment.ofTraces("CLIENT_CERTIFICATE")),
    keyFile: environment.text(environment.ofTraces("CLIENT_KEY")),
  };
}

const PARENT = "parentbased_";
const ALWAYS = new Map([
  ["always_on", 1],
  ["always_off", 0],
]);

function samplingFrom(environment: EnvironmentReader): Sampling {
  const name = environment.text("OTEL_TRACES_SAMPLER");
  if (name === undefined) return EVERYTHING;
  const followsParent = name.startsWith(PARENT);
  const kind = followsParent ? name.slice(PARENT.length) : name;
  const always = ALWAYS.get(kind);
  if (always !== undefined) return { ratio: always, followsParent };
  if (kind === "traceidratio") return { ratio: ratioFrom(environment), followsParent };
  environment.complain("OTEL_TRACES_SAMPLER", "this sampler is not known here: all traces are kept");
  return EVERYTHING;
}

function ratioFrom(environment: EnvironmentReader): number {
  const text = environment.text("OTEL_TRACES_SAMPLER_ARG");
  if (text === undefined) return 1;
  const ratio = Number(text);
  if (ratio >= 0 && ratio <= 1) return ratio;
  environment.complain("OTEL_TRACES_SAMPLER_ARG", "it is no number from 0 to 1: all traces are kept");
  return 1;
}

function resourceFrom(service: string, environment: EnvironmentReader): Readonly<Record<string, string>> {
  const given = environment.pairs("OTEL_RESOURCE_ATTRIBUTES");
  const name = environment.text("OTEL_SERVICE_NAME") ?? given["service.name"] ?? service;
  return { ...given, "service.name": name };
}
