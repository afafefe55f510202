/** The registry of a service, with what every process tells of itself. */
import { createMetrics, type Metrics } from "../core/process/metrics.ts";
import { type Component, registerProcessMetrics } from "../core/process/process-metrics.ts";
import type { CommandContext } from "./command.ts";

/** One per process. */
export function serviceMetrics({ clock }: Pick<CommandContext, "clock">, component: Component): Metrics {
  const metrics = createMetrics();
  registerProcessMetrics({ metrics, clock }, component);
  return metrics;
}
