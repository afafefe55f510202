/** The loader's metrics: every name in one place, with its unit, at zero from the start. docs/operations.md lists them. */
import type { ErrorCode } from "../../../core/errors.ts";
import type { Gauge, Metrics } from "../../../core/process/metrics.ts";
import type { LaneMeter, NotLoadedReason, RetryReason } from "../../lanes/lane-meter.ts";
import { LOADER_STATES, type LoaderStatus } from "./status.ts";
import type { LoaderTotals } from "./totals.ts";

export const LOADER_METRICS = {
  state: "ctlstore_loader_state",
  ready: "ctlstore_loader_ready",
  lanes: "ctlstore_loader_lanes",
  snapshotsOpen: "ctlstore_loader_snapshots_open",
  topicsMissing: "ctlstore_loader_topics_missing",
  position: "ctlstore_loader_position",
  lagEvents: "ctlstore_loader_lag_events",
  lagSeconds: "ctlstore_loader_lag_seconds",
  recordsTotal: "ctlstore_loader_records_total",
  recordBytesTotal: "ctlstore_loader_record_bytes_total",
  notLoadedTotal: "ctlstore_loader_not_loaded_total",
  batchesTotal: "ctlstore_loader_batches_total",
  rowsTotal: "ctlstore_loader_rows_total",
  foldedTotal: "ctlstore_loader_folded_total",
  batchSeconds: "ctlstore_loader_batch_seconds",
  retriesTotal: "ctlstore_loader_retries_total",
  conflictsTotal: "ctlstore_loader_conflicts_total",
  deadLettersTotal: "ctlstore_loader_dead_letters_total",
  lostEventsTotal: "ctlstore_loader_lost_events_total",
  rebalancesTotal: "ctlstore_loader_rebalances_total",
  kafkaTroublesTotal: "ctlstore_loader_kafka_troubles_total",
} as const;

const BATCH_SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

const NOT_LOADED_REASONS: Readonly<Record<NotLoadedReason, true>> = {
  dropped: true,
  heartbeat: true,
  "schema-change": true,
  message: true,
  signal: true,
  transaction: true,
  tombstone: true,
  "delete-of-nothing": true,
  "truncate-ignored": true,
  repeat: true,
  replay: true,
};

const RETRY_REASONS: Readonly<Record<RetryReason, true>> = {
  "rate-limited": true,
  unavailable: true,
  "unknown-outcome": true,
  "table-full": true,
};

const POISON_CODES: readonly ErrorCode[] = ["event_malformed", "event_unmapped", "event_refused"];

export interface LoaderMeter {
  readonly totals: Readonly<LoaderTotals>;
  /** What lanes count. */
  readonly lanes: LaneMeter;
  /** Makes the series of these topics, so that the first thing counted of one is seen as a rise. */
  expect(topics: readonly string[]): void;
  lostEvents(count: number): void;
  rebalance(): void;
  kafkaTrouble(): void;
  /** Copies the status into the gauges. */
  publish(status: LoaderStatus): void;
}

export function createLoaderMeter(metrics: Metrics): LoaderMeter {
  const totals: LoaderTotals = {
    records: 0,
    notLoaded: {},
    batches: 0,
    rows: 0,
    folded: 0,
    retries: {},
    conflicts: 0,
    deadLetters: 0,
    lostEvents: 0,
    rebalances: 0,
    kafkaTroubles: 0,
  };
  const names = LOADER_METRICS;
  const lost = metrics.counter(
    names.lostEventsTotal,
    "Events that Kafka had deleted before they were loaded",
  );
  const rebalances = metrics.counter(
    names.rebalancesTotal,
    "Times that the group gave out its partitions anew",
  );
  const troubles = metrics.counter(names.kafkaTroublesTotal, "Troubles with the Kafka cluster that passed");
  return {
    totals,
    ...createLaneMeter(metrics, totals),
    lostEvents(count) {
      totals.lostEvents += count;
      lost.inc(count);
    },
    rebalance() {
      totals.rebalances += 1;
      rebalances.inc();
    },
    kafkaTrouble() {
      totals.kafkaTroubles += 1;
      troubles.inc();
    },
    publish: registerGauges(metrics),
  };
}

function createLaneMeter(metrics: Metrics, totals: LoaderTotals): Pick<LoaderMeter, "lanes" | "expect"> {
  const names = LOADER_METRICS;
  const counter = (name: string, help: string, labels: readonly string[] = []) =>
    metrics.counter(name, help, labels);
  const records = counter(names.recordsTotal, "Records decoded and mapped", ["topic"]);
  const bytes = counter(names.recordBytesTotal, "Bytes of those, keys and values", ["topic"]);
  const notLoaded = counter(names.notLoadedTotal, "Records that were about no row to load", [
    "topic",
    "reason",
  ]);
  const batches = counter(names.batchesTotal, "Batches written");
  const rows = counter(names.rowsTotal, "Mutations written");
  const folded = counter(names.foldedTotal, "Mutations that a later one of the same batch replaced");
  const seconds = metrics.histogram(
    names.batchSeconds,
    "Time to write a batch, with the waits before it was taken, in seconds",
    BATCH_SECONDS,
  );
  const retries = counter(names.retriesTotal, "Attempts at a batch that have to be repeated", ["reason"]);
  const conflicts = counter(
    names.conflictsTotal,
    "Batches refused because another loader had moved the cookie",
  );
  const deadLetters = counter(names.deadLettersTotal, "Records put aside", ["topic", "code"]);
  for (const reason of Object.keys(RETRY_REASONS)) retries.inc({ reason }, 0);
  const lanes: LaneMeter = {
    record(topic, size) {
      totals.records += 1;
      records.inc({ topic });
      bytes.inc({ topic }, size);
    },
    notLoaded(topic, reason) {
      totals.notLoaded[reason] = (totals.notLoaded[reason] ?? 0) + 1;
      notLoaded.inc({ topic, reason });
    },
    batch(measure) {
      totals.batches += 1;
      totals.rows += measure.rows;
      totals.folded += measure.folded;
      batches.inc();
      rows.inc(measure.rows);
      folded.inc(measure.folded);
      seconds.observe(measure.seconds);
    },
    retry(reason) {
      totals.retries[reason] = (totals.retries[reason] ?? 0) + 1;
      retries.inc({ reason });
    },
    conflict() {
      totals.conflicts += 1;
      conflicts.inc();
    },
    deadLetter(topic, code) {
      totals.deadLetters += 1;
      deadLetters.inc({ topic, code });
    },
  };
  const expect = (topics: readonly string[]) => {
    for (const topic of topics) {
      records.inc({ topic }, 0);
      bytes.inc({ topic }, 0);
      for (const reason of Object.keys(NOT_LOADED_REASONS)) notLoaded.inc({ topic, reason }, 0);
      for (const code of POISON_CODES) deadLetters.inc({ topic, code }, 0);
    }
  };
  return { lanes, expect };
}

function registerGauges(metrics: Metrics): (status: LoaderStatus) => void {
  const names = LOADER_METRICS;
  const state = metrics.gauge(names.state, "1 for the state that the loader is in, else 0", ["state"]);
  const ready = metrics.gauge(names.ready, "1 when every lane of this instance has caught up once, else 0");
  const lanes = metrics.gauge(names.lanes, "Lanes that this instance owns");
  const snapshots = metrics.gauge(names.snapshotsOpen, "Snapshots of tables that are coming in");
  const missing = metrics.gauge(names.topicsMissing, "Topics of the mapping that Kafka does not have");
  const labels = ["topic", "partition"];
  const position = metrics.gauge(names.position, "Offset of the next event that is to take effect", labels);
  const lagEvents = metrics.gauge(names.lagEvents, "Events that have not taken effect", labels);
  const lagSeconds = metrics.gauge(
    names.lagSeconds,
    "Age of the oldest event that has not taken effect",
    labels,
  );
  for (const name of LOADER_STATES) state.set({ state: name }, name === "starting" ? 1 : 0);
  return (status) => {
    for (const name of LOADER_STATES) state.set({ state: name }, status.state === name ? 1 : 0);
    ready.set(status.ready ? 1 : 0);
    lanes.set(status.lanes.length);
    snapshots.set(status.lanes.reduce((sum, { openSnapshots }) => sum + openSnapshots.length, 0));
    missing.set(status.missingTopics.length);
    // Partitions that another instance has now are that one's to tell.
    for (const gauge of [position, lagEvents, lagSeconds]) gauge.reset();
    for (const lane of status.lanes)
      for (const partition of lane.partitions) setPartition({ position, lagEvents, lagSeconds }, partition);
  };
}

function setPartition(
  gauges: { readonly position: Gauge; readonly lagEvents: Gauge; readonly lagSeconds: Gauge },
  partition: LoaderStatus["lanes"][number]["partitions"][number],
): void {
  const labels = { topic: partition.topic, partition: String(partition.partition) };
  if (partition.applied !== null) gauges.position.set(labels, partition.applied);
  if (partition.lagEvents !== null) gauges.lagEvents.set(labels, partition.lagEvents);
  if (partition.lagSeconds !== null) gauges.lagSeconds.set(labels, partition.lagSeconds);
}
