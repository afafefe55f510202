/**
 * What an Executive does with the sizes of tables: metrics after each round of measuring; for each crossing of a limit that
 * is its own to tell, one line in the log and one call of the webhook.
 */

import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import type { Metrics } from "../../core/process/metrics.ts";
import { NO_LIMIT } from "../../core/rates.ts";
import { sequenceToJson } from "../../core/sequence.ts";
import type { SizeCrossing } from "../../ctldb/limits/size-crossings.ts";
import type { SizesReport } from "../../ctldb/limits/sizes.ts";
import { createSizeMetrics } from "./size-metrics.ts";
import { Webhook, type WebhookLimits } from "./webhook.ts";

export const WEBHOOK_FAILURES = "ctlstore_executive_webhook_failures_total";

export interface SizeWatchDeps {
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface SizeWatchOptions {
  readonly webhook?: string | undefined;
  readonly webhookLimits?: WebhookLimits;
  /** Names this Executive in calls of the webhook. */
  readonly executive: string;
  /** Whether tables are measured from the start, since they have a limit by default. */
  readonly isExpected: boolean;
}

/** Disposing of it gives up calls of the webhook that are under way. */
export interface SizeWatch extends AsyncDisposable {
  /** What to give `openCtlDb` as `tableSizes.onReport`. */
  readonly onReport: (report: SizesReport) => void;
}

export function createSizeWatch(
  { metrics, clock, logger }: SizeWatchDeps,
  { webhook: url, webhookLimits, executive, isExpected }: SizeWatchOptions,
): SizeWatch {
  const showSizes = createSizeMetrics({ metrics, clock }, isExpected);
  const failures = metrics.counter(WEBHOOK_FAILURES, "Calls of the webhook that failed");
  const deps = { clock, logger, onFailure: () => failures.inc() };
  const webhook = url === undefined ? null : new Webhook(url, deps, webhookLimits);
  return {
    onReport: ({ sizes, crossings }) => {
      showSizes(sizes);
      for (const crossing of crossings) {
        log(logger, crossing);
        webhook?.send(eventOf(crossing, executive));
      }
    },
    [Symbol.asyncDispose]: async () => webhook?.stop(),
  };
}

/** Fields first, then a message that never varies. */
function log(logger: Logger, { family, table, bytes, limit, from, to }: SizeCrossing): void {
  const fields = {
    family,
    table,
    bytes: Number(bytes),
    warnBytes: limited(limit?.warnBytes, Number),
    maxBytes: limited(limit?.maxBytes, Number),
    before: from,
  };
  if (to === "full")
    logger.warn(fields, "table is over its hard size limit: writes that make it grow are refused");
  else if (to === "warn") logger.warn(fields, "table is over its warning size");
  else logger.info(fields, "table is below its warning size again");
}

/** A size as it is told; null where there is no limit, as when only the other one was given. */
function limited<Told>(bytes: bigint | undefined, toTold: (bytes: bigint) => Told): Told | null {
  return bytes === undefined || bytes >= NO_LIMIT ? null : toTold(bytes);
}

/** The body of a call. */
export interface SizeEvent {
  readonly event: "table.warn" | "table.full" | "table.ok";
  readonly family: string;
  readonly table: string;
  /** Decimal text beyond 2^53, as the limits. */
  readonly bytes: number | string;
  readonly warnSize: number | string | null;
  readonly maxSize: number | string | null;
  /** The state before: `ok`, `warn` or `full`. */
  readonly before: string;
  readonly at: string;
  readonly executive: string;
}

function eventOf(
  { family, table, from, to, bytes, limit, atUs }: SizeCrossing,
  executive: string,
): SizeEvent {
  return {
    event: `table.${to}`,
    family,
    table,
    bytes: sequenceToJson(bytes),
    warnSize: limited(limit?.warnBytes, sequenceToJson),
    maxSize: limited(limit?.maxBytes, sequenceToJson),
    before: from,
    at: new Date(atUs / 1_000).toISOString(),
    executive,
  };
}
