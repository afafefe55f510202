/** How far each lane is by its cookie, beside what Kafka has: for operators, whether a loader runs or not. */
import type { TopicPartition, Watermarks } from "../../kafka/consumer.ts";
import type { LaneState } from "../../lanes/cookie/lane-state.ts";
import type { LanePlan } from "../../lanes/lane-contract.ts";
import { BEGINNING } from "../../lanes/records/starting-positions.ts";
import { placementOf } from "../lanes/start-positions.ts";
import { type LaneLook, problemText } from "./lane-look.ts";

export interface PartitionOffsets {
  readonly topic: string;
  readonly partition: number;
  /** The event that is next to take effect; null where the cookie does not know the partition. */
  readonly next: number | null;
  /** Events from `low` to before `high` are kept. */
  readonly low: number;
  readonly high: number;
  /** Events that wait; null when the next one is lost. */
  readonly lag: number | null;
  /** "deleted" and "ahead": the next event is not there, and the loader would stop (`events_lost`). */
  readonly state: "there" | "beginning" | "deleted" | "ahead";
}

export interface OpenSnapshotOffsets {
  readonly family: string;
  readonly table: string;
  readonly topic: string;
  readonly from: readonly { readonly partition: number; readonly offset: number }[];
}

export interface LaneOffsets {
  readonly name: string;
  readonly writer: string;
  readonly cookieBytes: number | null;
  /** Why there is no cookie to go on from; null when all is well. */
  readonly problem: string | null;
  readonly openSnapshots: readonly OpenSnapshotOffsets[];
  readonly partitions: readonly PartitionOffsets[];
}

export interface OffsetsReport {
  readonly lanes: readonly LaneOffsets[];
  readonly missingTopics: readonly string[];
}

/** @throws CtlstoreError when Kafka or the Executive cannot be asked */
export async function readOffsets(look: LaneLook, signal: AbortSignal): Promise<OffsetsReport> {
  const topics = await look.topics(signal);
  const lanes: LaneOffsets[] = [];
  for (const plan of look.plans(topics)) lanes.push(await offsetsOf(look, plan, signal));
  return { lanes, missingTopics: topics.missing };
}

async function offsetsOf(look: LaneLook, plan: LanePlan, signal: AbortSignal): Promise<LaneOffsets> {
  const cookie = await look.cookieOf(plan, signal);
  const state = cookie.kind === "read" ? cookie.state : null;
  const partitions: PartitionOffsets[] = [];
  for (const partition of plan.partitions)
    partitions.push(offsetsAt(partition, nextOf(state, partition), await look.watermarks(partition, signal)));
  return {
    name: plan.name,
    writer: plan.writer,
    cookieBytes: cookie.kind === "read" ? cookie.cookie.length : null,
    problem: problemText(cookie),
    openSnapshots: (state?.openSnapshots ?? []).map(({ family, table, topic, from }) => ({
      family,
      table,
      topic,
      from: [...from].map(([partition, offset]) => ({ partition, offset })),
    })),
    partitions,
  };
}

/** Null where the cookie does not know the partition. */
export function nextOf(state: LaneState | null, { topic, partition }: TopicPartition): number | null {
  return state?.positions.get(topic)?.get(partition) ?? null;
}

export function offsetsAt(
  { topic, partition }: TopicPartition,
  next: number | null,
  watermarks: Watermarks,
): PartitionOffsets {
  const placement = placementOf({ topic, partition, next: next ?? BEGINNING }, watermarks);
  const isThere = placement.kind === "there" || placement.kind === "beginning";
  return {
    topic,
    partition,
    next,
    ...watermarks,
    lag: isThere ? watermarks.high - placement.next : null,
    state: placement.kind,
  };
}
