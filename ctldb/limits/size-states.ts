/**
 * What a size means under its limit, and when a change of that is worth telling.
 *
 * A table crosses its limit when it grows beyond it, or when the limit falls below it. It is back only well below, so that
 * one which stays near its limit does not call all the time; where the limit itself was changed, the new one decides alone.
 */
import { SIZE_WATCH_LIMITS } from "../../core/limits.ts";
import type { SizeLimit } from "./contract.ts";

export type SizeState = "ok" | "warn" | "full";

const RANKS: readonly SizeState[] = ["ok", "warn", "full"];

/** A limit is what may be reached: only what is larger is over it. */
export function sizeState(bytes: bigint, limit: SizeLimit | null): SizeState {
  if (limit === null) return "ok";
  if (bytes > limit.maxBytes) return "full";
  return bytes > limit.warnBytes ? "warn" : "ok";
}

/** What was told of a table last. */
export interface ToldState {
  readonly state: SizeState;
  /** Under which limit; null when there was none. */
  readonly limit: SizeLimit | null;
}

/** The state to tell next, which is the same when there is nothing to tell. */
export function nextState(told: ToldState, bytes: bigint, limit: SizeLimit | null): SizeState {
  const state = sizeState(bytes, limit);
  if (limit === null || !isSameLimit(told.limit, limit)) return state;
  const stillNear = sizeState(bytes, recovered(limit));
  return worse(state, better(told.state, stillNear));
}

function recovered({ warnBytes, maxBytes }: SizeLimit): SizeLimit {
  const part = (bytes: bigint) => (bytes * SIZE_WATCH_LIMITS.recoveredPercent) / 100n;
  return { warnBytes: part(warnBytes), maxBytes: part(maxBytes) };
}

export function isSameLimit(a: SizeLimit | null, b: SizeLimit | null): boolean {
  return a?.warnBytes === b?.warnBytes && a?.maxBytes === b?.maxBytes;
}

function worse(a: SizeState, b: SizeState): SizeState {
  return RANKS.indexOf(a) > RANKS.indexOf(b) ? a : b;
}

function better(a: SizeState, b: SizeState): SizeState {
  return worse(a, b) === a ? b : a;
}
