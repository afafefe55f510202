/** What became of spans, as metrics; docs/tracing.md explains each. They are there at zero also where nothing is traced. */
import type { Metrics } from "../metrics.ts";

export const SPANS_SENT = "ctlstore_trace_spans_sent_total";
export const SPANS_DROPPED = "ctlstore_trace_spans_dropped_total";
export const SPANS_WAITING = "ctlstore_trace_spans_waiting";

/** Why a span was never sent: no room while the collector was away, the collector refused it, the process ended. */
export const DROP_REASONS = ["queue_full", "refused", "stopped"] as const;
export type DropReason = (typeof DROP_REASONS)[number];

export interface TraceMeter {
  sent(spans: number): void;
  dropped(reason: DropReason, spans: number): void;
  waiting(spans: number): void;
}

export function createTraceMeter(metrics: Metrics): TraceMeter {
  const sent = metrics.counter(SPANS_SENT, "Spans of traces that a collector has taken");
  const dropped = metrics.counter(SPANS_DROPPED, "Spans of traces that were never sent, by reason", [
    "reason",
  ]);
  const waiting = metrics.gauge(SPANS_WAITING, "Spans of traces that wait to be sent");
  for (const reason of DROP_REASONS) dropped.inc({ reason }, 0);
  return {
    sent: (spans) => sent.inc(spans),
    dropped: (reason, spans) => dropped.inc({ reason }, spans),
    waiting: (spans) => waiting.set(spans),
  };
}

const nothing = () => {};

/** For processes that show no metrics. */
export const silentTraceMeter: TraceMeter = { sent: nothing, dropped: nothing, waiting: nothing };
