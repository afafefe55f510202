/** Where a lane begins to read: where its cookie says, before that for open snapshots, or elsewhere when events are lost. */
import type { Position } from "../../kafka/consumer.ts";
import type { LaneState, OpenSnapshot } from "../cookie/lane-state.ts";
import type { LanePlan } from "../lane-contract.ts";
import type { Reading } from "./intake.ts";

/** `next` of a partition that the cookie does not know. */
export const BEGINNING = -1;

export interface StartingPosition {
  readonly position: Position;
  /** Records below took effect before. */
  readonly replayedUntil: number;
}

/** @param replays what the tracker of snapshots wants to see again */
export function startingPositions(
  plan: LanePlan,
  state: LaneState,
  replays: readonly Position[],
): readonly StartingPosition[] {
  return plan.partitions.map(({ topic, partition }) => {
    const applied = state.positions.get(topic)?.get(partition) ?? BEGINNING;
    const replay = replays.find((one) => one.topic === topic && one.partition === partition);
    const next = applied === BEGINNING ? BEGINNING : Math.min(applied, replay?.next ?? applied);
    return { position: { topic, partition, next }, replayedUntil: Math.max(0, applied) };
  });
}

export interface Begun {
  readonly state: LaneState;
  /** Snapshots whose marks cannot be had again, so that nobody knows which rows they brought. */
  readonly forgotten: readonly OpenSnapshot[];
}

/** Moves the reading of a partition to where it really begins. */
export function beginAt({ topic, partition, next }: Position, reading: Reading, state: LaneState): Begun {
  const applied = state.positions.get(topic)?.get(partition) ?? BEGINNING;
  const said = reading.read;
  reading.read = reading.offered = next;
  if (applied !== BEGINNING && next === said) return { state, forgotten: [] };
  // Between the beginning that was wanted and the position nothing is missing but marks.
  const isReplayCut = applied !== BEGINNING && next > said && next <= applied;
  const isWhole = applied === BEGINNING && next <= 0;
  // Of events that are lost nobody knows whether they were rows of a snapshot that began in another partition.
  const forgotten = isWhole
    ? []
    : state.openSnapshots.filter(
        ({ topic: of, from }) => of === topic && (!isReplayCut || from.has(partition)),
      );
  const openSnapshots = state.openSnapshots.filter((snapshot) => !forgotten.includes(snapshot));
  if (isReplayCut) return { state: { ...state, openSnapshots }, forgotten };
  reading.replayedUntil = 0;
  const ofTopic = new Map(state.positions.get(topic)).set(partition, next);
  return {
    state: { ...state, openSnapshots, positions: new Map([...state.positions, [topic, ofTopic]]) },
    forgotten,
  };
}
