/** The errors of an event that cannot become rows of its table. Who knows the record adds topic, partition and offset. */
import { CtlstoreError, type ErrorDetails } from "../../core/errors.ts";
import type { TablePlan } from "./plan.ts";

/** @param why goes on from "Cannot load a row of shop/item: " */
export function eventRefused(plan: TablePlan, why: string, details: ErrorDetails = {}): CtlstoreError {
  return new CtlstoreError(
    "event_refused",
    `Cannot load a row of ${plan.family}/${plan.table}: ${why}`,
    details,
  );
}

export const FULL_IMAGES_HINT = "the origin must log whole rows: binlog_row_image=FULL";
