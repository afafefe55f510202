/**
 * Moves a lane's cookie by hand, in one partition: past an event that cannot be loaded, or to what Kafka still has.
 *
 * Under the same condition as a loader's batch (R30): if a loader has moved the cookie since it was looked at, nothing happens.
 */
import { CtlstoreError, isCtlstoreError } from "../../../core/errors.ts";
import type { TopicPartition, Watermarks } from "../../kafka/consumer.ts";
import { encodeLaneState, newSalt } from "../../lanes/cookie/cookie.ts";
import { EMPTY_LANE_STATE, type LaneState } from "../../lanes/cookie/lane-state.ts";
import type { LanePlan } from "../../lanes/lane-contract.ts";
import type { LaneLook } from "./lane-look.ts";
import { nextOf } from "./offsets.ts";

export type SeekTarget = number | "beginning" | "end";

export interface SeekPlan {
  readonly lane: string;
  readonly writer: string;
  readonly topic: string;
  readonly partition: number;
  /** Null where the cookie does not know the partition. */
  readonly before: number | null;
  readonly after: number;
  readonly low: number;
  readonly high: number;
}

export interface Seek {
  readonly plan: SeekPlan;
  /** @throws CtlstoreError `cookie_conflict` when a loader has moved the cookie since */
  apply(signal: AbortSignal): Promise<void>;
}

/** Looks at what would be changed; changes nothing yet. @throws CtlstoreError `config_invalid` for a place that is not there */
export async function prepareSeek(
  look: LaneLook,
  at: TopicPartition,
  target: SeekTarget,
  signal: AbortSignal,
): Promise<Seek> {
  const lane = await laneWith(look, at, signal);
  const watermarks = await look.watermarks(at, signal);
  const after = offsetOf(target, watermarks, at);
  const found = await look.cookieOf(lane, signal);
  // A lane that never ran has no cookie, and may get its first one here.
  if (found.kind === "none" && found.problem.code !== "bad_credentials") throw found.problem;
  const cookie = found.kind === "read" ? found.cookie : new Uint8Array();
  const state = found.kind === "read" ? found.state : EMPTY_LANE_STATE;
  const before = nextOf(state, at);
  const plan = { lane: lane.name, writer: lane.writer, ...at, before, after, ...watermarks };
  return {
    plan,
    async apply(applySignal) {
      const writer = look.writerOf(lane);
      await writer.register(applySignal);
      const moved = encodeLaneState(movedTo(state, at, after), newSalt());
      const batch = { family: look.family, mutations: [], checkCookie: cookie, cookie: moved };
      try {
        await writer.write(batch, applySignal);
      } catch (error) {
        throw describe(error, lane);
      }
    },
  };
}

async function laneWith(look: LaneLook, at: TopicPartition, signal: AbortSignal): Promise<LanePlan> {
  const plans = look.plans(await look.topics(signal));
  const lane = plans.find(({ partitions }) =>
    partitions.some(({ topic, partition }) => topic === at.topic && partition === at.partition),
  );
  if (lane !== undefined) return lane;
  throw new CtlstoreError(
    "config_invalid",
    `Cannot move in topic ${at.topic}, partition ${at.partition}: no lane of this mapping reads it`,
    { hint: "`ctlstore loader offsets` lists the lanes" },
  );
}

function offsetOf(
  target: SeekTarget,
  { low, high }: Watermarks,
  { topic, partition }: TopicPartition,
): number {
  if (target === "beginning") return low;
  if (target === "end") return high;
  if (target >= low && target <= high) return target;
  throw new CtlstoreError(
    "config_invalid",
    `Cannot go to offset ${target} of topic ${topic}, partition ${partition}: it has ${low} to ${high}, of which the last is its end`,
  );
}

function movedTo(state: LaneState, { topic, partition }: TopicPartition, next: number): LaneState {
  const ofTopic = new Map(state.positions.get(topic)).set(partition, next);
  return { ...state, positions: new Map(state.positions).set(topic, ofTopic), step: 0 };
}

function describe(error: unknown, { name, writer }: LanePlan): unknown {
  if (!isCtlstoreError(error)) return error;
  if (error.code === "cookie_conflict") {
    return new CtlstoreError(
      "cookie_conflict",
      `Cannot move lane ${name}: a loader has moved it since it was looked at; nothing was changed`,
      { hint: "stop the loaders of this lane first, or try again", cause: error },
    );
  }
  if (error.code === "bad_credentials") {
    return new CtlstoreError(
      "bad_credentials",
      `Cannot move lane ${name}: the Executive does not know writer ${writer}, or not with this secret`,
      {
        hint: "look at --secret and --writer; with --admin-token the writer of a lane that never ran is made",
        cause: error,
      },
    );
  }
  return error;
}
