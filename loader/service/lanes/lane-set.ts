/**
 * The lanes that this instance owns: begun and ended as the plan and the group say, and fed with what is fetched.
 *
 * Calls of the consumer are made by `applyTo` and `balance` only, between two fetches, so that no record that was fetched
 * for an earlier place reaches a lane (R30).
 */
import { messageOf } from "../../../core/errors.ts";
import { LANE_LIMITS, LOADER_LIMITS } from "../../../core/limits.ts";
import type { Fetched, KafkaConsumer, Position, TopicPartition } from "../../kafka/consumer.ts";
import { partitionKey } from "../../kafka/partition-key.ts";
import type { LanePlan } from "../../lanes/lane-contract.ts";
import { LaneLife, type LaneLifeDeps } from "./lane-life.ts";
import type { PlacedPartition } from "./lane-placer.ts";
import { samePartitions } from "./lane-plans.ts";
import { type Route, Routes } from "./routes.ts";
import type { ServedLane } from "./served-lane.ts";

export interface LaneSetOptions {
  /**
   * How far a run that ends by itself reads: "to-ends", each partition up to the end that it had when it was first looked at;
   * "past-ends" goes on, so that what belongs together across partitions comes whole, until the cookies are past those ends.
   * Null reads for ever.
   */
  readonly once: "to-ends" | "past-ends" | null;
}

export type LaneSetDeps = Omit<LaneLifeDeps, "onReady" | "onGone">;

export class LaneSet {
  readonly #deps: LaneSetDeps;
  readonly #options: LaneSetOptions;
  readonly #lives = new Map<string, LaneLife>();
  /** Last words of lives that were stopped, by lane. */
  readonly #endings = new Map<string, Promise<void>>();
  readonly #routes = new Routes();
  readonly #ready: { readonly lane: ServedLane; readonly routes: readonly Route[] }[] = [];
  /** By partition: its end when it was first looked at. */
  readonly #firstEnds = new Map<string, number>();
  readonly #paused = new Set<string>();
  readonly #caughtUp = new Set<string>();
  /** When it was looked at last which lanes have caught up, by the monotonic clock. */
  #lookedMs = Number.NEGATIVE_INFINITY;
  readonly #failed: { reject: (error: unknown) => void; readonly promise: Promise<never> };
  #mustAssign = false;

  constructor(deps: LaneSetDeps, options: LaneSetOptions) {
    this.#deps = deps;
    this.#options = options;
    let reject: (error: unknown) => void = () => {};
    const promise = new Promise<never>((_, refuse) => {
      reject = refuse;
    });
    promise.catch(() => {}); // whoever waits for it hears it
    this.#failed = { reject, promise };
  }

  /** Rejects with what the loader must stop for. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  get lives(): readonly LaneLife[] {
    return [...this.#lives.values()];
  }

  /** Every lane has caught up at least once since this instance began. */
  get haveCaughtUpOnce(): boolean {
    this.#noteCaughtUp();
    return this.lives.every(({ plan }) => this.#caughtUp.has(plan.name));
  }

  /** Every lane has applied everything up to the end of its partitions. */
  get areCaughtUp(): boolean {
    return this.lives.every((life) => life.state === "running" && life.lane?.isCaughtUp === true);
  }

  /** Everything that was there when the partitions were first looked at has taken effect. */
  get areDone(): boolean {
    return this.lives.every((life) => {
      if (life.state !== "running") return false;
      return life.lane?.isCaughtUp === true || (this.#options.once === "past-ends" && this.#isPastEnds(life));
    });
  }

  #isPastEnds({ plan, applied }: LaneLife): boolean {
    const nextOf = new Map(applied.map((position) => [partitionKey(position), position.next]));
    return plan.partitions.every((partition) => {
      const key = partitionKey(partition);
      return (nextOf.get(key) ?? -1) >= (this.#firstEnds.get(key) ?? Number.POSITIVE_INFINITY);
    });
  }

  /** Has these lanes and no others. A lane whose partitions have become more begins anew. */
  own(plans: readonly LanePlan[]): void {
    const wanted = new Map(plans.map((plan) => [plan.name, plan]));
    for (const life of this.lives) {
      const plan = wanted.get(life.plan.name);
      if (plan === undefined || !samePartitions(plan, life.plan)) this.#stop(life);
    }
    for (const plan of plans) if (!this.#lives.has(plan.name)) this.#start(plan);
  }

  /** Ends all lanes: each finishes the batch under way. @throws the first thing that one of them could not end for */
  async stop(): Promise<void> {
    const endings = this.lives.map((life) => this.#stop(life));
    const outcomes = await Promise.allSettled(endings);
    // Those that were taken back before may have a batch under way as well; what they end with is their next owner's.
    await Promise.allSettled(this.#endings.values());
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  }

  /** Others may have the lanes now: ends them, and reads nothing until there are new ones. */
  giveUpAll(): void {
    for (const life of this.lives) this.#stop(life);
  }

  /** The consumer has forgotten what it reads. */
  assignAnew(): void {
    this.#mustAssign = true;
  }

  /** Every lane reads its cookie again, and is placed again. */
  reopenAll(): void {
    for (const life of this.lives) life.reopen();
  }

  /** Tells the consumer what to read, when that has changed. */
  applyTo(consumer: KafkaConsumer): void {
    for (const { routes } of this.#ready.splice(0)) {
      for (const route of routes) this.#routes.add(route);
      this.#mustAssign = true;
    }
    if (!this.#mustAssign) return;
    this.#mustAssign = false;
    // Partitions that are complete are not read any more.
    consumer.assign(this.#routes.all.filter((route) => !route.isComplete).map(positionOf));
    this.#paused.clear();
  }

  /**
   * Stops reading partitions whose lanes cannot take more, and goes on with those that can again.
   * @param isPatienceOver all were full for so long that they are taken for slow
   * @returns whether there is a lane that more should be fetched for
   */
  balance(consumer: KafkaConsumer, isPatienceOver: boolean): boolean {
    const ahead = new Set(this.lives.flatMap(({ lane }) => (lane?.ahead ?? []).map(partitionKey)));
    const { sinks } = this.#routes;
    const isCrowded = sinks.reduce((sum, { fullness }) => sum + fullness, 0) > LOADER_LIMITS.fullLanes;
    const limit = isPatienceOver || isCrowded ? 1 : LOADER_LIMITS.overfull.pause;
    // With thousands of partitions it counts that usually nothing is to be done for any.
    const isEasy = this.#options.once === null && ahead.size === 0 && this.#paused.size === 0;
    if (isEasy && sinks.every(({ fullness }) => fullness < limit))
      return sinks.length === 0 || sinks.some(({ fullness }) => fullness < 1);
    const changed = { paused: [] as TopicPartition[], resumed: [] as TopicPartition[] };
    let hasRoom = false;
    for (const { sink, partition, isComplete } of this.#routes.all) {
      const { fullness } = sink;
      const key = partitionKey(partition);
      const isUnwanted = isComplete || ahead.has(key);
      if (!this.#paused.has(key)) {
        if (isUnwanted || fullness >= limit) changed.paused.push(partition);
      } else if (!isUnwanted && fullness < LOADER_LIMITS.overfull.resume) changed.resumed.push(partition);
      hasRoom ||= !isUnwanted && fullness < 1;
    }
    if (changed.paused.length > 0) consumer.pause(changed.paused);
    if (changed.resumed.length > 0) consumer.resume(changed.resumed);
    for (const partition of changed.paused) this.#paused.add(partitionKey(partition));
    for (const partition of changed.resumed) this.#paused.delete(partitionKey(partition));
    return hasRoom || this.#routes.isEmpty;
  }

  /** @returns how many of the records were wanted */
  handOn(fetched: Fetched): number {
    const count = this.#routes.handOn(fetched);
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs - this.#lookedMs >= LANE_LIMITS.tickMs) {
      this.#lookedMs = nowMs;
      this.#noteCaughtUp();
    }
    return count;
  }

  #start(plan: LanePlan): void {
    const after = (this.#endings.get(plan.name) ?? Promise.resolve()).catch(() => {});
    const life = new LaneLife(
      plan,
      {
        ...this.#deps,
        onReady: (ready, lane, placed) => this.#onReady(ready, lane, placed),
        onGone: (lane) => this.#onGone(lane),
      },
      after,
    );
    this.#lives.set(plan.name, life);
    life.done.catch((error) => {
      if (this.#lives.get(plan.name) === life) this.#failed.reject(error);
    });
  }

  #stop(life: LaneLife): Promise<void> {
    const { name } = life.plan;
    this.#lives.delete(name);
    if (life.lane !== null) this.#onGone(life.lane);
    life.stop();
    const { logger } = this.#deps;
    const ending = life.done.catch((error) => {
      logger.warn({ lane: name, reason: messageOf(error) }, "the lane ended with an error");
      throw error;
    });
    ending.catch(() => {}); // told by `stop`
    this.#endings.set(name, ending);
    return ending;
  }

  #onReady(life: LaneLife, lane: ServedLane, placed: readonly PlacedPartition[]): void {
    if (this.#lives.get(life.plan.name) !== life) return;
    const routes = placed.flatMap(({ partition, next, high }) => {
      const lag = life.lags.get(partitionKey(partition));
      if (lag === undefined) return [];
      lag.measured(high);
      return [
        { partition, sink: lane, lag, next, target: this.#targetOf(partition, high), isComplete: false },
      ];
    });
    this.#ready.push({ lane, routes });
  }

  #targetOf(partition: TopicPartition, high: number): number | null {
    const key = partitionKey(partition);
    const end = this.#firstEnds.get(key) ?? high;
    this.#firstEnds.set(key, end);
    return this.#options.once === "to-ends" ? end : null;
  }

  #onGone(lane: ServedLane): void {
    this.#routes.removeSink(lane);
    const waiting = this.#ready.findIndex((ready) => ready.lane === lane);
    if (waiting >= 0) this.#ready.splice(waiting, 1);
    else this.#mustAssign = true;
  }

  /** By the ends of the start, since under a steady stream there may be no moment at which nothing waits. */
  #noteCaughtUp(): void {
    for (const life of this.#lives.values()) {
      const { name } = life.plan;
      if (this.#caughtUp.has(name) || life.state !== "running") continue;
      if (life.lane?.isCaughtUp === true || this.#isPastEnds(life)) this.#caughtUp.add(name);
    }
  }
}

function positionOf({ partition, next }: Route): Position {
  return { ...partition, next };
}
