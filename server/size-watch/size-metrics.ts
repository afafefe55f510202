/** Metrics of the tables' sizes; docs/operations.md explains each. */
import { SIZE_WATCH_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Metrics } from "../../core/process/metrics.ts";
import type { TableSize } from "../../ctldb/limits/contract.ts";

export const TABLE_BYTES = "ctlstore_executive_table_bytes";
export const TABLE_MAX_BYTES = "ctlstore_executive_table_max_bytes";
export const TABLES_OVER_LIMIT = "ctlstore_executive_tables_over_limit";
export const TABLE_MEASURE_AGE_SECONDS = "ctlstore_executive_table_measure_age_seconds";

export interface SizeMetricsDeps {
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/**
 * @param isExpected false where no limit asks for measuring yet: then nothing is late
 * @returns what to call with the sizes of each round, the largest first
 */
export function createSizeMetrics(
  { metrics, clock }: SizeMetricsDeps,
  isExpected: boolean,
): (sizes: readonly TableSize[]) => void {
  let measuredMs = isExpected ? clock.monotonicMs() : null;
  const labels = ["family", "table"];
  const bytes = metrics.gauge(TABLE_BYTES, "Size of a table in the ctldb; of the large ones", labels);
  const most = metrics.gauge(TABLE_MAX_BYTES, "Hard limit of that size, for the same tables", labels);
  const over = metrics.gauge(TABLES_OVER_LIMIT, "Tables over their size limit", ["limit"]);
  for (const limit of ["warn", "max"]) over.set({ limit }, 0);
  metrics.gaugeOf(
    TABLE_MEASURE_AGE_SECONDS,
    "Time since the tables were measured last, or since the start; 0 where no limit asks for it",
    () => (measuredMs === null ? 0 : (clock.monotonicMs() - measuredMs) / 1_000),
  );
  return (sizes) => {
    measuredMs = clock.monotonicMs();
    bytes.reset();
    most.reset();
    for (const { family, table, bytes: measured, limit } of sizes
      .filter(isShown)
      .slice(0, SIZE_WATCH_LIMITS.shownTables)) {
      bytes.set({ family, table }, Number(measured));
      most.set({ family, table }, Number(limit?.maxBytes));
    }
    over.set({ limit: "warn" }, sizes.filter(isOverWarning).length);
    over.set({ limit: "max" }, sizes.filter(({ state }) => state === "full").length);
  };
}

/** A series for each table would be thousands: those that are on their way to a limit, and no more than can be looked at. */
function isShown({ bytes, limit }: TableSize): boolean {
  return bytes !== null && limit !== null && 2n * bytes > limit.warnBytes;
}

/** Also of a table whose warning size was set above its hard limit by somebody else. */
function isOverWarning({ bytes, limit, state }: TableSize): boolean {
  return state === "full" || (bytes !== null && limit !== null && bytes > limit.warnBytes);
}
