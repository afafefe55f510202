/** The Supervisor's metrics: every name in one place, with its unit, at zero from the start. docs/operations.md lists them. */
import type { Counter, Gauge, Metrics } from "../../core/process/metrics.ts";
import { FREEZE_PHASES } from "../freeze/contract.ts";
import { PUBLISH_PHASES, SUPERVISOR_STATES, type SupervisorPhase, type SupervisorStatus } from "./state.ts";

export const SUPERVISOR_METRICS = {
  state: "ctlstore_supervisor_state",
  snapshotsPublishedTotal: "ctlstore_supervisor_snapshots_published_total",
  failuresTotal: "ctlstore_supervisor_failures_total",
  refusedTotal: "ctlstore_supervisor_refused_total",
  overtakenTotal: "ctlstore_supervisor_overtaken_total",
  objectsRemovedTotal: "ctlstore_supervisor_objects_removed_total",
  lastPublishedSequence: "ctlstore_supervisor_last_published_sequence",
  lastPublishedTimestampSeconds: "ctlstore_supervisor_last_published_timestamp_seconds",
  latestSequence: "ctlstore_supervisor_latest_sequence",
  latestTimestampSeconds: "ctlstore_supervisor_latest_timestamp_seconds",
  plainBytes: "ctlstore_supervisor_snapshot_plain_bytes",
  compressedBytes: "ctlstore_supervisor_snapshot_compressed_bytes",
  phaseSeconds: "ctlstore_supervisor_phase_seconds",
} as const;

export interface SupervisorMetrics {
  readonly published: Counter;
  readonly failures: Counter;
  readonly refused: Counter;
  readonly overtaken: Counter;
  readonly removed: Counter;
  setPhaseSeconds(phase: SupervisorPhase, seconds: number): void;
  /** Copies what the status says. */
  refresh(status: SupervisorStatus): void;
}

export function registerSupervisorMetrics(metrics: Metrics): SupervisorMetrics {
  const names = SUPERVISOR_METRICS;
  const phase = metrics.gauge(names.phaseSeconds, "How long each phase of the last snapshot took", ["phase"]);
  for (const name of [...FREEZE_PHASES, ...PUBLISH_PHASES]) phase.set({ phase: name }, 0);
  return {
    published: metrics.counter(names.snapshotsPublishedTotal, "Snapshots that this process has published"),
    failures: metrics.counter(
      names.failuresTotal,
      "Attempts that failed: the store, the disk, a damaged copy",
    ),
    refused: metrics.counter(
      names.refusedTotal,
      "Intervals in which the LDB was in no state to be published",
    ),
    overtaken: metrics.counter(
      names.overtakenTotal,
      "Snapshots given up since another Supervisor had published as much",
    ),
    removed: metrics.counter(names.objectsRemovedTotal, "Objects that retention removed from the store"),
    setPhaseSeconds: (name, seconds) => phase.set({ phase: name }, seconds),
    refresh: registerGauges(metrics),
  };
}

function registerGauges(metrics: Metrics): (status: SupervisorStatus) => void {
  const names = SUPERVISOR_METRICS;
  const state = metrics.gauge(names.state, "1 for the state that the Supervisor is in, else 0", ["state"]);
  for (const name of SUPERVISOR_STATES) state.set({ state: name }, 0);
  const plain: ReadonlyArray<readonly [Gauge, (status: SupervisorStatus) => number]> = [
    [
      metrics.gauge(names.lastPublishedSequence, "Sequence of the last snapshot that this process published"),
      (s) => Number(s.published?.sequence ?? 0n),
    ],
    [
      metrics.gauge(names.lastPublishedTimestampSeconds, "When this process last published, as Unix time"),
      (s) => (s.published?.atUs ?? 0) / 1_000_000,
    ],
    [
      metrics.gauge(
        names.latestSequence,
        "Sequence of the newest snapshot in the store, whoever published it",
      ),
      (s) => Number(s.latest?.sequence ?? 0n),
    ],
    [
      metrics.gauge(
        names.latestTimestampSeconds,
        "When the newest snapshot in the store was made, as Unix time",
      ),
      (s) => (s.latest === null ? 0 : Date.parse(s.latest.createdAt) / 1000),
    ],
    [metrics.gauge(names.plainBytes, "Size of the last snapshot"), (s) => s.published?.plainBytes ?? 0],
    [
      metrics.gauge(names.compressedBytes, "Size of the last snapshot in the store"),
      (s) => s.published?.compressedBytes ?? 0,
    ],
  ];
  return (status) => {
    for (const name of SUPERVISOR_STATES) state.set({ state: name }, status.state === name ? 1 : 0);
    for (const [gauge, value] of plain) gauge.set(value(status));
  };
}
