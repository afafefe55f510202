/** The sidecar's metrics: every name in one place, with its unit, at zero from the start. docs/operations.md lists them. */
import type { Metrics } from "../core/process/metrics.ts";
import type { StreamOutcome } from "./row-stream.ts";

export const SIDECAR_METRICS = {
  requestsTotal: "ctlstore_sidecar_requests_total",
  requestSeconds: "ctlstore_sidecar_request_seconds",
  requestsInFlight: "ctlstore_sidecar_requests_in_flight",
  requestsRefusedTotal: "ctlstore_sidecar_requests_refused_total",
  rowsTotal: "ctlstore_sidecar_rows_total",
  streams: "ctlstore_sidecar_streams",
  streamsTotal: "ctlstore_sidecar_streams_total",
  streamRestBytes: "ctlstore_sidecar_stream_rest_bytes",
  waitingReads: "ctlstore_sidecar_waiting_reads",
  ldbReadable: "ctlstore_sidecar_ldb_readable",
  sequence: "ctlstore_sidecar_sequence",
  ledgerLatencySeconds: "ctlstore_sidecar_ledger_latency_seconds",
} as const;

const SECONDS = [
  0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5,
];
const OUTCOMES: readonly StreamOutcome[] = ["whole", "left", "rest_too_large", "too_slow", "failed"];

/** What is asked for whenever the metrics are. */
export interface SidecarGauges {
  readonly requestsInFlight: () => number;
  readonly streams: () => number;
  readonly streamRestBytes: () => number;
  readonly waitingReads: () => number;
  readonly uptimeSeconds: () => number;
  /** Null while the LDB cannot be read. */
  readonly state: () => { readonly sequence: bigint; readonly latencySeconds: number | null } | null;
}

export interface SidecarMeter {
  /** @param route the route's pattern, or "none" */
  answered(route: string, status: number, seconds: number): void;
  refused(): void;
  rows(count: number): void;
  streamEnded(outcome: StreamOutcome): void;
}

/** @param routes patterns of all routes */
export function createSidecarMeter(
  metrics: Metrics,
  routes: readonly string[],
  gauges: SidecarGauges,
): SidecarMeter {
  const names = SIDECAR_METRICS;
  const total = metrics.counter(names.requestsTotal, "Requests answered", ["route", "status"]);
  const seconds = metrics.histogram(names.requestSeconds, "Time to answer, up to the first byte", SECONDS, [
    "route",
  ]);
  const refused = metrics.counter(
    names.requestsRefusedTotal,
    "Requests refused because too many were under way",
  );
  const rows = metrics.counter(names.rowsTotal, "Rows given to clients");
  const streams = metrics.counter(names.streamsTotal, "Answers sent in pieces that have ended", ["outcome"]);
  for (const route of routes) {
    total.inc({ route, status: "200" }, 0);
    seconds.zero({ route });
  }
  for (const outcome of OUTCOMES) streams.inc({ outcome }, 0);
  registerGauges(metrics, gauges);
  return {
    answered: (route, status, took) => {
      total.inc({ route, status });
      seconds.observe({ route }, took);
    },
    refused: () => refused.inc(),
    rows: (count) => rows.inc(count),
    streamEnded: (outcome) => streams.inc({ outcome }),
  };
}

function registerGauges(metrics: Metrics, gauges: SidecarGauges): void {
  const names = SIDECAR_METRICS;
  metrics.gaugeOf(names.requestsInFlight, "Requests that are being answered now", gauges.requestsInFlight);
  metrics.gaugeOf(names.streams, "Answers in pieces that hold a state of the LDB now", gauges.streams);
  metrics.gaugeOf(
    names.streamRestBytes,
    "Bytes of long answers that wait in memory for their clients",
    gauges.streamRestBytes,
  );
  metrics.gaugeOf(names.waitingReads, "Reads that wait for a sequence", gauges.waitingReads);
  metrics.gaugeOf(names.ldbReadable, "1 when the LDB answers reads, else 0", () =>
    gauges.state() === null ? 0 : 1,
  );
  metrics.gaugeOf(names.sequence, "Last ledger entry in the LDB; 0 while it cannot be read", () =>
    Number(gauges.state()?.sequence ?? 0n),
  );
  metrics.gaugeOf(
    names.ledgerLatencySeconds,
    "Age of the last ledger entry in the LDB; while it is not known, time since the start",
    // Unknown must not look fresh.
    () => gauges.state()?.latencySeconds ?? gauges.uptimeSeconds(),
  );
}

/** The same registry for several listeners, each of which would register metrics of the same names. */
export function sharedMetrics(metrics: Metrics): Metrics {
  const made = new Map<string, unknown>();
  const once = <Made>(name: string, make: () => Made): Made => {
    if (!made.has(name)) made.set(name, make());
    return made.get(name) as Made; // what `make` returned under this name
  };
  return {
    ...metrics,
    counter: (name, ...rest) => once(name, () => metrics.counter(name, ...rest)),
    gauge: (name, ...rest) => once(name, () => metrics.gauge(name, ...rest)),
    histogram: (name, ...rest) => once(name, () => metrics.histogram(name, ...rest)),
  };
}
