/** What the service needs of a lane, and what it says about itself. `Lane` (lanes/lane.ts) is the one implementation. */
import type { Lane } from "../../lanes/lane.ts";
import type { LanePlan } from "../../lanes/lane-contract.ts";

export type ServedLane = Pick<
  Lane,
  | "open"
  | "begin"
  | "offer"
  | "reachedEnd"
  | "measured"
  | "fullness"
  | "ahead"
  | "run"
  | "isCaughtUp"
  | "status"
  | "appliedPositions"
>;

/** A new lane for each opening: nothing is remembered of the one before but what the cookie says. */
export type MakeLane = (plan: LanePlan) => ServedLane;
