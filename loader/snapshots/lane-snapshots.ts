/** What a lane needs for snapshots and whole tables, made together: the tracker marks what the worker then looks up. */
import type { LanePlan } from "../lanes/lane-contract.ts";
import { ClosedSnapshots } from "./closed-snapshots.ts";
import { ExecutiveTableWorker } from "./executive-table-worker.ts";
import type { SnapshotMeter } from "./snapshot-meter.ts";
import type { TableRowsDeps } from "./table-rows.ts";
import { LaneSnapshotTracker, type SnapshotTrackerOptions } from "./tracker.ts";

export interface LaneSnapshotsDeps extends TableRowsDeps {
  readonly meter: SnapshotMeter;
}

export interface LaneSnapshots {
  readonly tracker: LaneSnapshotTracker;
  readonly tableWorker: ExecutiveTableWorker;
}

/** For one opening of one lane: after a restart everything is read again. */
export function createLaneSnapshots(
  plan: Pick<LanePlan, "partitions" | "snapshotTables">,
  deps: LaneSnapshotsDeps,
  options: SnapshotTrackerOptions = {},
): LaneSnapshots {
  const withClosed = { ...deps, closed: new ClosedSnapshots() };
  return {
    tracker: new LaneSnapshotTracker(plan, withClosed, options),
    tableWorker: new ExecutiveTableWorker(withClosed),
  };
}
