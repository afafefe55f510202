/** The Reflector's metrics: every name in one place, with its unit, at zero from the start. docs/operations.md lists them. */
import type { Clock } from "../core/process/clock.ts";
import type { Counter, Gauge, Metrics } from "../core/process/metrics.ts";
import type { ChangelogCounts } from "./changelog/contract.ts";
import { REFLECTOR_STATES, type ReflectorStatus } from "./state.ts";

export const REFLECTOR_METRICS = {
  state: "ctlstore_reflector_state",
  sequence: "ctlstore_reflector_sequence",
  ledgerHeadSequence: "ctlstore_reflector_ledger_head_sequence",
  lagSeconds: "ctlstore_reflector_lag_seconds",
  pollAgeSeconds: "ctlstore_reflector_poll_age_seconds",
  stuck: "ctlstore_reflector_stuck",
  lastPollTimestampSeconds: "ctlstore_reflector_last_poll_timestamp_seconds",
  unattestedThroughSequence: "ctlstore_reflector_unattested_through_sequence",
  ready: "ctlstore_reflector_ready",
  healthy: "ctlstore_reflector_healthy",
  skips: "ctlstore_reflector_skips",
  walBytes: "ctlstore_reflector_wal_bytes",
  walBlocked: "ctlstore_reflector_wal_blocked",
  statementsTotal: "ctlstore_reflector_statements_total",
  pollsTotal: "ctlstore_reflector_polls_total",
  failuresTotal: "ctlstore_reflector_failures_total",
  bootstrapsTotal: "ctlstore_reflector_bootstraps_total",
  bootstrapFailuresTotal: "ctlstore_reflector_bootstrap_failures_total",
  bootstrapBytes: "ctlstore_reflector_bootstrap_bytes",
  bootstrapSizeBytes: "ctlstore_reflector_bootstrap_size_bytes",
  legacyGapsTotal: "ctlstore_reflector_legacy_gaps_total",
  walCheckpointsTotal: "ctlstore_reflector_wal_checkpoints_total",
  walCheckpointsBlockedTotal: "ctlstore_reflector_wal_checkpoints_blocked_total",
  changelogLinesTotal: "ctlstore_reflector_changelog_lines_total",
  changelogBytesTotal: "ctlstore_reflector_changelog_bytes_total",
  changelogResetsTotal: "ctlstore_reflector_changelog_resets_total",
  changelogRotationsTotal: "ctlstore_reflector_changelog_rotations_total",
} as const;

/** Counts kept by the parts themselves, since the process began. */
export interface ReflectorCounts extends ChangelogCounts {
  readonly statements: number;
  readonly polls: number;
  readonly failures: number;
  readonly legacyGaps: number;
  readonly bootstraps: number;
  readonly bootstrapFailures: number;
  readonly walCheckpoints: number;
  readonly walCheckpointsBlocked: number;
}

/** Copies the status and the counts into a registry; returns the function that does it again. */
export function publishReflectorMetrics(
  metrics: Metrics,
  clock: Clock,
): (status: ReflectorStatus, counts: ReflectorCounts) => void {
  const startedMs = clock.monotonicMs();
  const setGauges = registerGauges(metrics, () => (clock.monotonicMs() - startedMs) / 1000);
  const raiseCounters = registerCounters(metrics);
  return (status, counts) => {
    setGauges(status);
    raiseCounters(counts);
  };
}

/** @param uptimeSeconds stands for ages of what has never been: unknown must not look fresh */
function registerGauges(metrics: Metrics, uptimeSeconds: () => number): (status: ReflectorStatus) => void {
  const names = REFLECTOR_METRICS;
  const state = metrics.gauge(names.state, "1 for the state that the Reflector is in, else 0", ["state"]);
  const plain: ReadonlyArray<readonly [Gauge, (status: ReflectorStatus) => number]> = [
    [metrics.gauge(names.sequence, "Last ledger entry in the LDB"), (s) => Number(s.sequence)],
    [
      metrics.gauge(names.ledgerHeadSequence, "Highest sequence seen in the ledger"),
      (s) => Number(s.ledgerHeadSequence ?? 0n),
    ],
    [
      metrics.gauge(
        names.lagSeconds,
        "Age of the last applied ledger entry; while the LDB is empty, time since the start",
      ),
      (s) => s.lagSeconds ?? uptimeSeconds(),
    ],
    [
      metrics.gauge(
        names.pollAgeSeconds,
        "Time since the ledger last answered a poll; while it never has, time since the start",
      ),
      (s) => s.pollAgeSeconds ?? uptimeSeconds(),
    ],
    [
      metrics.gauge(names.stuck, "1 while nothing gets on that should, else 0; /status says why"),
      (s) => (s.stuck ? 1 : 0),
    ],
    [
      metrics.gauge(names.lastPollTimestampSeconds, "When the ledger last answered, as Unix time"),
      (s) => (s.lastPollAtUs ?? 0) / 1_000_000,
    ],
    [
      metrics.gauge(names.unattestedThroughSequence, "Last entry applied without a hash to check it against"),
      (s) => Number(s.unattestedThrough),
    ],
    [
      metrics.gauge(names.ready, "1 when this host may be given work that reads its LDB, else 0"),
      (s) => (s.readiness.ready ? 1 : 0),
    ],
    [
      metrics.gauge(names.healthy, "1 when the host is ready and its lag is below the threshold, else 0"),
      (s) => (s.readiness.healthy ? 1 : 0),
    ],
    [
      metrics.gauge(names.bootstrapBytes, "Compressed bytes of the snapshot that is being fetched, so far"),
      (s) => s.bootstrap?.bytes ?? 0,
    ],
    [
      metrics.gauge(
        names.bootstrapSizeBytes,
        "Compressed bytes of the snapshot that is being fetched, in all",
      ),
      (s) => s.bootstrap?.totalBytes ?? 0,
    ],
    [metrics.gauge(names.skips, "Statements that this LDB may pass over"), (s) => s.skips.length],
    [metrics.gauge(names.walBytes, "Size of the LDB's write-ahead log"), (s) => s.ldb.walBytes],
    [
      metrics.gauge(names.walBlocked, "1 while a reader keeps the write-ahead log from being cut, else 0"),
      (s) => (s.ldb.walBlockedBy === null ? 0 : 1),
    ],
  ];
  const set = (status: ReflectorStatus | null) => {
    for (const name of REFLECTOR_STATES) state.set({ state: name }, status?.state === name ? 1 : 0);
    for (const [gauge, value] of plain) gauge.set(status === null ? 0 : value(status));
  };
  set(null);
  return set;
}

function registerCounters(metrics: Metrics): (counts: ReflectorCounts) => void {
  const names = REFLECTOR_METRICS;
  const counters: Readonly<Record<keyof ReflectorCounts, Counter>> = {
    statements: metrics.counter(names.statementsTotal, "Statements run on the LDB"),
    polls: metrics.counter(names.pollsTotal, "Polls sent to the ledger"),
    failures: metrics.counter(names.failuresTotal, "Times that the Reflector had to stop and try again"),
    legacyGaps: metrics.counter(names.legacyGapsTotal, "Old gaps of the original ctlstore that were passed"),
    bootstraps: metrics.counter(names.bootstrapsTotal, "Snapshots that became the LDB"),
    bootstrapFailures: metrics.counter(
      names.bootstrapFailuresTotal,
      "Attempts to bootstrap that placed no snapshot",
    ),
    walCheckpoints: metrics.counter(names.walCheckpointsTotal, "Checkpoints of the write-ahead log"),
    walCheckpointsBlocked: metrics.counter(
      names.walCheckpointsBlockedTotal,
      "Insisting checkpoints that a reader kept from finishing",
    ),
    changelogLines: metrics.counter(names.changelogLinesTotal, "Lines written to the changelog"),
    changelogBytes: metrics.counter(names.changelogBytesTotal, "Bytes of lines written to the changelog"),
    changelogResets: metrics.counter(
      names.changelogResetsTotal,
      "Times that the changelog had to begin a new history",
    ),
    changelogRotations: metrics.counter(
      names.changelogRotationsTotal,
      "Files of the changelog that were full",
    ),
  };
  const known = new Map<keyof ReflectorCounts, number>();
  return (counts) => {
    for (const name of Object.keys(counters) as (keyof ReflectorCounts)[]) {
      const before = known.get(name) ?? 0;
      if (counts[name] > before) counters[name].inc(counts[name] - before);
      known.set(name, counts[name]);
    }
  };
}
