/**
 * What every process of ctlstore tells of itself: what it is, and what it takes of its machine. The names without
 * `ctlstore` are those that Prometheus' own libraries use. docs/operations.md lists them.
 */
import { readdirSync } from "node:fs";
import { BUILD, VERSION } from "../version.ts";
import type { Clock } from "./clock.ts";
import { watchEventLoop } from "./event-loop-lag.ts";
import type { Metrics } from "./metrics.ts";

export const PROCESS_METRICS = {
  buildInfo: "ctlstore_build_info",
  eventLoopLagSeconds: "ctlstore_event_loop_lag_seconds",
  startTimeSeconds: "process_start_time_seconds",
  cpuSecondsTotal: "process_cpu_seconds_total",
  residentMemoryBytes: "process_resident_memory_bytes",
  openFds: "process_open_fds",
} as const;

export type Component = "executive" | "reflector" | "supervisor" | "heartbeat" | "loader" | "sidecar";

/** Registers them; once per process, since they are the process's and not a part's. */
export function registerProcessMetrics(
  { metrics, clock }: { readonly metrics: Metrics; readonly clock: Clock },
  component: Component,
): void {
  const names = PROCESS_METRICS;
  const startedSeconds = clock.nowUs() / 1_000_000 - process.uptime();
  metrics
    .gauge(names.buildInfo, "1; what runs is in the labels", ["component", "version", "commit", "runtime"])
    .set({ component, version: VERSION, commit: BUILD?.commit ?? "none", runtime: runtimeName() }, 1);
  const lagSeconds = watchEventLoop(() => clock.monotonicMs());
  metrics.gaugeOf(
    names.eventLoopLagSeconds,
    "Longest time of the last minute for which nothing else could run",
    lagSeconds,
  );
  metrics.gaugeOf(names.startTimeSeconds, "When the process began, as Unix time", () => startedSeconds);
  metrics.counterOf(names.cpuSecondsTotal, "Processor time used, of user and system", cpuSeconds);
  metrics.gaugeOf(names.residentMemoryBytes, "Memory in use", () => process.memoryUsage.rss());
  metrics.gaugeOf(names.openFds, "Files and sockets that are open; 0 where that is not known", openFiles);
}

function runtimeName(): string {
  const bun = process.versions["bun"];
  return bun === undefined ? `node ${process.versions.node}` : `bun ${bun}`;
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000_000;
}

function openFiles(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return 0;
  }
}
