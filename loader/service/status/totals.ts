/** What a loader has done, in numbers. */
import type { NotLoadedReason, RetryReason } from "../../lanes/lane-meter.ts";

/** Sums since the process began, for the status and the progress. */
export interface LoaderTotals {
  records: number;
  notLoaded: Partial<Record<NotLoadedReason, number>>;
  batches: number;
  rows: number;
  folded: number;
  retries: Partial<Record<RetryReason, number>>;
  conflicts: number;
  deadLetters: number;
  lostEvents: number;
  rebalances: number;
  kafkaTroubles: number;
}
