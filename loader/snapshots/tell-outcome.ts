/** How the watch over a snapshot ended, for operators. */
import type { Logger } from "../../core/process/logger.ts";
import type { LaneTable } from "../lanes/lane-contract.ts";
import type { SnapshotMeter, SnapshotOutcome } from "./snapshot-meter.ts";

export interface OutcomeDeps {
  readonly meter: SnapshotMeter;
  readonly logger: Logger;
}

export function tellOutcome(
  { meter, logger }: OutcomeDeps,
  table: LaneTable,
  outcome: SnapshotOutcome,
  more: Record<string, unknown>,
): void {
  meter.snapshot(table.topic, outcome);
  if (outcome === "whole") logger.info({ ...table, ...more }, "a snapshot of the origin has come whole");
  else if (outcome === "started-over") logger.info({ ...table }, "the origin begins its snapshot again");
  else {
    logger.warn(
      { ...table, reason: outcome },
      "rows that vanished at the origin cannot be told by this snapshot",
    );
  }
}
