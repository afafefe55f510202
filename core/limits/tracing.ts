/** Traces. See `limits.ts`. */

/** Bounds of tracing: a trace that is lost costs nothing, so whatever does not fit is dropped and counted. */
export const TRACE_LIMITS = {
  /** Spans that wait to be sent: some 3 MiB. As OpenTelemetry's own default, like the two after it. */
  queueSpans: { default: 2_048, max: 1_000_000 },
  /** One request to the collector; turning them into JSON takes a few milliseconds. */
  batchSpans: { default: 512, max: 10_000 },
  /** How long spans gather before they are sent. */
  intervalMs: { default: 5_000, min: 10, max: 3_600_000 },
  /** How long a request to the collector may take, answer included. */
  requestMs: { default: 10_000, min: 10, max: 300_000 },
  /** Pauses after a collector did not answer, or said that it has too much to do. */
  backoffMs: { base: 1_000, max: 30_000 },
  /** At a stop what waits is sent for so long: well within the time that a service has for its end. */
  stopMs: 3_000,
  /** A `tracestate` that is longer is not carried on; the standard asks for 512 characters at least. */
  stateChars: 512,
} as const;
