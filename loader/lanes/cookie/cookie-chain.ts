/** The lane's cookie and what it stands for: each batch leads from one link of the chain to the next (I3). */
import { CtlstoreError } from "../../../core/errors.ts";
import { FORMAT_LIMITS } from "../../../core/limits.ts";
import type { Position } from "../../kafka/consumer.ts";
import { encodeLaneState, isRetired, newSalt } from "./cookie.ts";
import type { LaneState, OpenSnapshot } from "./lane-state.ts";

/** What a unit changes about the state. */
export interface Advance {
  readonly advances: readonly Position[];
  readonly openSnapshots?: readonly OpenSnapshot[];
}

/** A state that a batch would lead to, and the cookie that says so. */
export interface Link {
  readonly state: LaneState;
  readonly cookie: Uint8Array;
}

/** What a cookie has no room for. After a restart nobody knows of it. */
export interface Forgetting {
  readonly snapshot: (snapshot: OpenSnapshot) => void;
  /** Topics that the plan has no more: should they come back, they begin at their beginning. */
  readonly retired: (topics: number) => void;
}

export class CookieChain {
  readonly #salt = newSalt();
  readonly #onForgotten: Forgetting;
  #cookie: Uint8Array;
  #state: LaneState;

  constructor(link: Link, onForgotten: Forgetting) {
    this.#cookie = link.cookie;
    this.#state = link.state;
    this.#onForgotten = onForgotten;
  }

  /** As stored by the Executive, as far as is known. */
  get cookie(): Uint8Array {
    return this.#cookie;
  }

  get state(): LaneState {
    return this.#state;
  }

  /** The link that follows when these have taken effect. */
  after(advances: readonly Advance[]): Link {
    let state = advanced(this.#state, advances);
    let cookie = encodeLaneState(state, this.#salt);
    while (cookie.length > FORMAT_LIMITS.cookieBytes) {
      state = this.#smaller(state, cookie.length);
      cookie = encodeLaneState(state, this.#salt);
    }
    return { state, cookie };
  }

  #smaller(state: LaneState, bytes: number): LaneState {
    const kept = [...state.positions].filter(([topic]) => !isRetired(topic));
    if (kept.length < state.positions.size) {
      this.#onForgotten.retired(state.positions.size - kept.length);
      return { ...state, positions: new Map(kept) };
    }
    const [largest, ...others] = [...state.openSnapshots].sort((a, b) => b.from.size - a.from.size);
    if (largest === undefined) throw tooLarge(bytes);
    this.#onForgotten.snapshot(largest);
    return { ...state, openSnapshots: others };
  }

  /** The link has been stored. */
  commit(link: Link): void {
    this.#state = link.state;
    this.#cookie = link.cookie;
  }

  /** Something is known that the cookie will say with the next batch, and that a restart would find out again. */
  amend(state: LaneState): void {
    this.#state = state;
  }
}

function advanced(state: LaneState, advances: readonly Advance[]): LaneState {
  const positions = new Map<string, Map<number, number>>();
  let { openSnapshots } = state;
  let isMoved = false;
  for (const unit of advances) {
    openSnapshots = unit.openSnapshots ?? openSnapshots;
    for (const { topic, partition, next } of unit.advances) {
      const ofTopic = positions.get(topic) ?? new Map(state.positions.get(topic));
      const before = ofTopic.get(partition) ?? -1;
      if (next < before) throw backwards({ topic, partition, next }, before);
      isMoved ||= next > before;
      positions.set(topic, ofTopic.set(partition, next));
    }
  }
  return {
    positions: new Map([...state.positions, ...positions]),
    openSnapshots,
    step: isMoved ? 0 : state.step + 1,
  };
}

function backwards({ topic, partition, next }: Position, before: number): CtlstoreError {
  return new CtlstoreError(
    "internal",
    `Cannot move partition ${partition} of ${topic} to offset ${next}: it is at ${before}; positions only go up`,
  );
}

function tooLarge(bytes: number): CtlstoreError {
  return new CtlstoreError(
    "internal",
    `Cannot store the positions: the cookie has ${bytes} bytes; ${FORMAT_LIMITS.cookieBytes} fit`,
  );
}
