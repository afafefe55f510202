/**
 * The life of a lane that this instance owns: it is opened, which reads its cookie; placed in its partitions; run; and
 * opened anew after somebody else has moved the cookie.
 *
 * A lane that lost the cookie has written nothing (R30). It goes on from the new cookie as long as it is the owner, which
 * the group settles; if it loses again and again, another loader is there that the group does not know of, and this one ends
 * (`conflicts.ts`).
 */
import { CtlstoreError, type ErrorCode, isCtlstoreError } from "../../../core/errors.ts";
import { LOADER_LIMITS } from "../../../core/limits.ts";
import { createBackoff } from "../../../core/process/backoff.ts";
import type { Clock } from "../../../core/process/clock.ts";
import type { Logger } from "../../../core/process/logger.ts";
import type { Position } from "../../kafka/consumer.ts";
import { partitionKey } from "../../kafka/partition-key.ts";
import type { LanePlan } from "../../lanes/lane-contract.ts";
import type { Gate } from "../gate.ts";
import type { Patience } from "../patience.ts";
import { PartitionLag } from "../status/lag.ts";
import { Conflicts } from "./conflicts.ts";
import type { LanePlacer, PlacedPartition } from "./lane-placer.ts";
import type { MakeLane, ServedLane } from "./served-lane.ts";

export interface LaneLifeDeps {
  readonly makeLane: MakeLane;
  readonly placer: LanePlacer;
  readonly patience: Patience;
  /** Openings at the same time, of all lanes. */
  readonly gate: Gate;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  /** The lane can take records from these places on. */
  readonly onReady: (life: LaneLife, lane: ServedLane, placed: readonly PlacedPartition[]) => void;
  /** The lane takes no more records. */
  readonly onGone: (lane: ServedLane) => void;
}

export type LaneLifeState = "opening" | "running" | "conflict" | "ended";

export class LaneLife {
  readonly plan: LanePlan;
  /** Settles when the lane has ended its last batch. @throws what the loader must stop for */
  readonly done: Promise<void>;
  /** By partition; they outlive the openings. */
  readonly lags = new Map<string, PartitionLag>();
  readonly #deps: LaneLifeDeps;
  readonly #abort = new AbortController();
  #opening = new AbortController();
  #state: LaneLifeState = "opening";
  #lane: ServedLane | null = null;
  readonly #conflicts = new Conflicts();
  #lastApplied: readonly Position[] = [];

  /** @param after what must have ended before: the same lane's life before, whose last batch may be under way */
  constructor(plan: LanePlan, deps: LaneLifeDeps, after: Promise<void>) {
    this.plan = plan;
    this.#deps = deps;
    for (const partition of plan.partitions) this.lags.set(partitionKey(partition), new PartitionLag());
    this.done = after.then(() => this.#live(this.#abort.signal)).finally(() => this.#set("ended"));
  }

  get state(): LaneLifeState {
    return this.#state;
  }

  /** The lane while it is being opened or open. */
  get lane(): ServedLane | null {
    return this.#lane;
  }

  /** Where the lane is by its cookie, as far as is known; also after its end. */
  get applied(): readonly Position[] {
    return this.#state === "running" && this.#lane !== null
      ? this.#lane.appliedPositions()
      : this.#lastApplied;
  }

  /** Ends the batch under way and then the lane; `done` tells when. */
  stop(): void {
    this.#abort.abort(new Error("the lane is to end"));
  }

  /** Begins anew from the cookie. */
  reopen(): void {
    this.#opening.abort(new Error("the lane is to be opened anew"));
  }

  #set(state: LaneLifeState): void {
    this.#state = state;
  }

  async #live(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#deps;
    const { base, max } = LOADER_LIMITS.conflictBackoffMs;
    const backoff = createBackoff({ baseMs: base, maxMs: max }, random);
    while (!signal.aborted) {
      this.#opening = new AbortController();
      const anySignal = AbortSignal.any([signal, this.#opening.signal]);
      const ending = await this.#openAndRun(anySignal).catch((error) => {
        if (anySignal.aborted && !isFatal(error)) return "aborted" as const;
        throw error;
      });
      if (ending !== "conflict") continue;
      if (this.#conflicts.inARow <= 1) backoff.reset();
      this.#set("conflict");
      await clock.sleep(backoff.nextMs(), signal).catch(() => {});
    }
  }

  async #openAndRun(signal: AbortSignal): Promise<"aborted" | "conflict"> {
    const { makeLane, placer, patience, gate, onReady, onGone } = this.#deps;
    this.#set("opening");
    const lane = makeLane(this.plan);
    this.#lane = lane;
    try {
      const positions = await patience.untilDone("read the cookies of lanes", signal, () =>
        gate.run(() => lane.open(signal)),
      );
      const placed = await placer.place(lane, positions, signal);
      signal.throwIfAborted();
      this.#set("running");
      onReady(this, lane, placed);
      await lane.run(signal);
      return "aborted";
    } catch (error) {
      if (!isConflict(error)) throw error;
      this.#countConflict(lane, error);
      return "conflict";
    } finally {
      this.#lastApplied = this.applied;
      this.#lane = null;
      onGone(lane);
    }
  }

  #countConflict(lane: ServedLane, error: CtlstoreError): void {
    const { logger, clock } = this.#deps;
    const conflicts = this.#conflicts;
    conflicts.add(clock.monotonicMs(), lane.status().counts.batches > 0);
    logger.warn(
      { lane: this.plan.name, conflictsInARow: conflicts.inARow, conflictsLately: conflicts.lately },
      "another loader moved the cookie of this lane: it is read again",
    );
    if (!conflicts.areTooMany) return;
    throw new CtlstoreError(
      "loader_fenced",
      `Cannot go on with lane ${this.plan.name}: another loader moved its cookie ${conflicts.lately} times lately; one loader must have it`,
      {
        hint: "look for a loader with the same --writer in another --group, or one that runs with --once",
        cause: error,
      },
    );
  }
}

function isConflict(error: unknown): error is CtlstoreError {
  return isCtlstoreError(error) && error.code === "cookie_conflict";
}

const FATAL_AT_THE_END: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "events_lost",
  "event_malformed",
  "event_unmapped",
  "event_refused",
]);

/** What says that the lane cannot be loaded holds also when it was about to end. */
function isFatal(error: unknown): boolean {
  return isCtlstoreError(error) && FATAL_AT_THE_END.has(error.code);
}
