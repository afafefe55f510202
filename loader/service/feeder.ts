/**
 * The loop between Kafka and the lanes: fetches, hands on, and in between carries out what the group and the lanes ask for.
 *
 * It never spins: it waits for records, for a lane that has room again, or a moment.
 */
import { isCtlstoreError, messageOf } from "../../core/errors.ts";
import { LOADER_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import { turnOfEventLoop } from "../../core/process/turn.ts";
import type { Fetched, KafkaConsumer } from "../kafka/consumer.ts";
import { Commits } from "./commits.ts";
import { Every } from "./every.ts";
import type { LaneOwner } from "./lanes/lane-owner.ts";
import type { LaneSet } from "./lanes/lane-set.ts";
import type { Patience } from "./patience.ts";
import type { Troubles } from "./troubles.ts";

export interface FeederDeps {
  readonly consumer: KafkaConsumer;
  readonly owner: LaneOwner;
  readonly lanes: LaneSet;
  readonly patience: Patience;
  readonly troubles: Troubles;
  /** Called at every turn of the loop. */
  readonly onTurn: () => void;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Of what goes on beside the loop. */
  readonly onFailure: (error: unknown) => void;
}

export interface FeederOptions {
  /** Is done when the lanes are. */
  readonly once: boolean;
  /** How often it looks for new topics and partitions; absent is `LOADER_LIMITS.topicsIntervalMs`. */
  readonly topicsIntervalMs?: number;
}

export class Feeder {
  readonly #deps: FeederDeps;
  readonly #options: FeederOptions;
  readonly #commits: Commits;
  readonly #commitTimes: Every;
  readonly #topicLooks: Every;
  #fetchedMs: number;
  #isLooking = false;

  constructor(deps: FeederDeps, options: FeederOptions) {
    this.#deps = deps;
    this.#options = options;
    const { clock } = deps;
    this.#commits = new Commits(deps.consumer);
    this.#commitTimes = new Every(clock, LOADER_LIMITS.commitIntervalMs);
    this.#topicLooks = new Every(clock, options.topicsIntervalMs ?? LOADER_LIMITS.topicsIntervalMs);
    this.#fetchedMs = clock.monotonicMs();
  }

  /** Until the signal aborts, or a run that ends by itself is done. @throws CtlstoreError what no waiting mends; the signal's reason */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, lanes } = this.#deps;
    while (!signal.aborted) {
      const startMs = clock.monotonicMs();
      const outcome = await this.#step(signal);
      this.#keepHouse(signal);
      if (this.#options.once && lanes.areDone) return;
      if (outcome === "full") await clock.sleep(LOADER_LIMITS.fullWaitMs, signal);
      else if (outcome === "nothing" && clock.monotonicMs() - startMs < 1)
        await clock.sleep(LOADER_LIMITS.idleMs, signal);
      else await turnOfEventLoop();
    }
  }

  /** One fetch, unless all lanes are full: then they are left to themselves for a while. */
  async #step(signal: AbortSignal): Promise<"full" | "something" | "nothing"> {
    const { owner, lanes, consumer, clock } = this.#deps;
    if (owner.followGroup()) this.#topicLooks.hurry();
    const nowMs = clock.monotonicMs();
    const isPatienceOver = nowMs - this.#fetchedMs > LOADER_LIMITS.fullPatienceMs;
    let hasRoom = true;
    if (owner.isAssigned) {
      lanes.applyTo(consumer);
      hasRoom = lanes.balance(consumer, isPatienceOver);
    }
    if (!hasRoom && !isPatienceOver) return "full";
    this.#fetchedMs = nowMs;
    const fetched = await this.#fetch(hasRoom ? LOADER_LIMITS.fetchWaitMs : LOADER_LIMITS.fullWaitMs, signal);
    if (fetched === null) return "nothing";
    lanes.handOn(fetched);
    return fetched.records.length > 0 || fetched.ends.length > 0 ? "something" : "nothing";
  }

  /** Null when there was an error that passes. */
  async #fetch(waitMs: number, signal: AbortSignal): Promise<Fetched | null> {
    const { consumer, patience, logger, lanes, clock, troubles } = this.#deps;
    try {
      return await patience.untilDone("fetch records", signal, () => consumer.fetch(waitMs));
    } catch (error) {
      if (!isCtlstoreError(error)) throw error;
      if (error.code === "events_lost") {
        // Which they are, and what to do about it, is found out where lanes are placed.
        logger.warn({ reason: messageOf(error) }, "records are gone: all lanes are placed anew");
        lanes.reopenAll();
        await clock.sleep(LOADER_LIMITS.backoffMs.base, signal);
        return null;
      }
      if (error.code !== "kafka_topic_unknown" || this.#options.once) throw error;
      troubles.note([error.message]);
      return null;
    }
  }

  #keepHouse(signal: AbortSignal): void {
    const { consumer, troubles, owner, lanes, onTurn } = this.#deps;
    troubles.note(consumer.takeTroubles());
    onTurn();
    if (this.#commitTimes.isDue && owner.isAssigned) this.#commits.tell(lanes.lives);
    // One look at a time: while brokers are away each would wait for them.
    if (!this.#isLooking && this.#topicLooks.isDue) void this.#lookForTopics(signal);
  }

  async #lookForTopics(signal: AbortSignal): Promise<void> {
    this.#isLooking = true;
    try {
      await this.#deps.owner.lookForTopics(signal);
    } catch (error) {
      if (!signal.aborted) this.#deps.onFailure(error);
    }
    this.#isLooking = false;
  }
}
