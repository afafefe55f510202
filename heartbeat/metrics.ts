/** The heartbeat's metrics: every name in one place, with its unit, at zero from the start. docs/operations.md lists them. */
import type { Metrics } from "../core/process/metrics.ts";
import type { HeartbeatStatus } from "./status.ts";

export const HEARTBEAT_METRICS = {
  ageSeconds: "ctlstore_heartbeat_age_seconds",
  lastSequence: "ctlstore_heartbeat_last_sequence",
  beatsTotal: "ctlstore_heartbeat_beats_total",
  failuresTotal: "ctlstore_heartbeat_failures_total",
  beatSeconds: "ctlstore_heartbeat_beat_seconds",
} as const;

const SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface HeartbeatMeter {
  /** A beat was written, so long after it was sent. */
  beat(seconds: number): void;
  failed(): void;
}

/** @param status asked whenever the metrics are */
export function createHeartbeatMeter(metrics: Metrics, status: () => HeartbeatStatus): HeartbeatMeter {
  const names = HEARTBEAT_METRICS;
  metrics.gaugeOf(
    names.ageSeconds,
    "Time since the last beat was written, or since the start",
    () => status().ageSeconds,
  );
  metrics.gaugeOf(names.lastSequence, "Ledger entry of the last beat; 0 before the first", () =>
    Number(status().lastSequence ?? 0n),
  );
  const beats = metrics.counter(names.beatsTotal, "Beats written");
  const failures = metrics.counter(names.failuresTotal, "Beats that could not be written");
  const seconds = metrics.histogram(names.beatSeconds, "Time to write a beat, in seconds", SECONDS);
  return {
    beat(took) {
      beats.inc();
      seconds.observe(took);
    },
    failed: () => failures.inc(),
  };
}
