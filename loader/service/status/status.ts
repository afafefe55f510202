/** What the loader says about itself: the document behind `/status`, and what metrics and progress are made of. */

import { partitionKey } from "../../kafka/partition-key.ts";
import type { LaneActivity, LaneCounts, LaneTable } from "../../lanes/lane-contract.ts";
import type { TableWorkReport } from "../../lanes/table-worker.ts";
import type { LaneLife, LaneLifeState } from "../lanes/lane-life.ts";
import type { Waiting } from "../patience.ts";
import type { Trouble } from "../troubles.ts";
import type { LoaderTotals } from "./totals.ts";

export const LOADER_STATES = [
  "starting", // looks for the mapping's tables, the topics and its place in the group
  "standby", // other instances have all lanes
  "loading", // events are waiting
  "current", // nothing to do
  "stopping",
  "stopped",
] as const;
export type LoaderState = (typeof LOADER_STATES)[number];

export interface LoaderPartitionStatus {
  readonly topic: string;
  readonly partition: number;
  /** Offset of the next record that is to be read. */
  readonly read: number | null;
  /** Offset of the next event that is to take effect, by the cookie. */
  readonly applied: number | null;
  /** Offset that the partition's next record will get. */
  readonly end: number | null;
  readonly lagEvents: number | null;
  readonly lagSeconds: number | null;
}

export interface LoaderLaneStatus {
  readonly name: string;
  readonly writer: string;
  readonly state: LaneActivity | Extract<LaneLifeState, "conflict">;
  /** What is waited for; null while all is well. */
  readonly why: string | null;
  readonly untilMs: number | null;
  readonly counts: LaneCounts | null;
  /** Records that wait for decoding, and records that wait for others that belong to them. */
  readonly waitingRecords: number;
  readonly heldRecords: number;
  readonly partitions: readonly LoaderPartitionStatus[];
  /** Snapshots of the origin that are coming in, of tables whose vanished rows are reported or swept. */
  readonly openSnapshots: readonly LaneTable[];
  /** What the last sweep, report or clearing of each table came to, since the lane was opened. */
  readonly tableWork: readonly TableWorkReport[];
}

export interface LoaderStatus {
  readonly state: LoaderState;
  readonly ready: boolean;
  /** What is away, and since when. */
  readonly waitingFor: readonly Waiting[];
  /** What the Kafka client last said of its brokers; it goes on by itself. */
  readonly lastKafkaTrouble: Trouble | null;
  readonly missingTopics: readonly string[];
  readonly lagEvents: number | null;
  readonly lagSeconds: number | null;
  /** Over the last ten seconds. */
  readonly eventsPerSecond: number;
  readonly lanes: readonly LoaderLaneStatus[];
  readonly totals: Readonly<LoaderTotals>;
}

export function laneStatusOf(life: LaneLife, nowMs: number): LoaderLaneStatus {
  const status = life.lane?.status() ?? null;
  const read = new Map(status?.partitions.map((partition) => [partitionKey(partition), partition]));
  const isCaughtUp = life.lane?.isCaughtUp === true;
  const isKnown = life.state === "running";
  return {
    name: life.plan.name,
    writer: life.plan.writer,
    state: life.state === "conflict" ? "conflict" : (status?.state ?? "opening"),
    why: status?.why ?? null,
    untilMs: status?.untilMs ?? null,
    counts: status?.counts ?? null,
    waitingRecords: status?.waiting ?? 0,
    heldRecords: status?.held ?? 0,
    openSnapshots: status?.openSnapshots ?? [],
    tableWork: status?.tableWork ?? [],
    partitions: life.plan.partitions.map((partition) => {
      const key = partitionKey(partition);
      const place = isKnown ? read.get(key) : undefined;
      const lag = life.lags.get(key);
      const { events, seconds } =
        place === undefined || lag === undefined
          ? { events: null, seconds: null }
          : // Behind what was read there may be positions alone, which are written later.
            lag.at(isCaughtUp ? place.read : place.applied, nowMs);
      return {
        topic: partition.topic,
        partition: partition.partition,
        read: place?.read ?? null,
        applied: place?.applied ?? null,
        end: lag?.high ?? null,
        lagEvents: events,
        lagSeconds: seconds,
      };
    }),
  };
}

/** Sum and maximum over partitions whose lag is known; null when none is. */
export function totalLag(lanes: readonly LoaderLaneStatus[]): {
  readonly events: number | null;
  readonly seconds: number | null;
} {
  const partitions = lanes.flatMap((lane) => lane.partitions);
  const events = partitions.flatMap(({ lagEvents }) => (lagEvents === null ? [] : [lagEvents]));
  const seconds = partitions.flatMap(({ lagSeconds }) => (lagSeconds === null ? [] : [lagSeconds]));
  return {
    events: events.length === 0 ? null : events.reduce((sum, one) => sum + one, 0),
    seconds: seconds.length === 0 ? null : Math.max(...seconds),
  };
}
