/**
 * The run of a loader: finds the mapping's tables and topics, becomes the owner of lanes, feeds them, and ends them.
 *
 * Everything that is away is waited for. It ends when it is asked to, when a run that ends by itself is done, or at the
 * first thing that somebody must look at; in each case the lanes end the batch under way first.
 */
import { CtlstoreError, isCtlstoreError, messageOf } from "../../core/errors.ts";
import { LOADER_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import { turnOfEventLoop } from "../../core/process/turn.ts";
import type { Fetched, KafkaConsumer } from "../kafka/consumer.ts";
import type { LanePlan } from "../lanes/lane-contract.ts";
import type { MappingKeeper } from "../mapping/mapping.ts";
import { Every } from "./every.ts";
import { Gate } from "./gate.ts";
import { LagWatch } from "./lag-watch.ts";
import { LanePlacer } from "./lane-placer.ts";
import { type LanePlansOptions, plansOf, topicsToRead } from "./lane-plans.ts";
import { LaneSet, type LaneSetOptions } from "./lane-set.ts";
import { Membership } from "./membership.ts";
import type { LoaderMeter } from "./metrics.ts";
import { Patience } from "./patience.ts";
import { Progress } from "./progress.ts";
import type { MakeLane } from "./served-lane.ts";
import type { LostEventsPolicy } from "./start-positions.ts";
import { type LoaderState, type LoaderStatus, laneStatusOf, totalLag } from "./status.ts";
import { findTopics, sameTopics, type Topics } from "./topics.ts";
import { Troubles } from "./troubles.ts";

export interface LoaderRunDeps {
  readonly consumer: KafkaConsumer;
  /** Reads the mapping file and the live tables; may be tried again. */
  readonly openMapping: (signal: AbortSignal) => Promise<MappingKeeper>;
  /** Lanes of that mapping. */
  readonly laneMaker: (keeper: MappingKeeper) => MakeLane;
  readonly meter: LoaderMeter;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: () => number;
}

export interface LoaderRunOptions extends LanePlansOptions {
  /** Loads up to the end that each partition has at the start, without the group, and is done then. */
  readonly once: boolean;
  readonly lostEvents: LostEventsPolicy;
  /** How long it waits for what is away; null for ever. */
  readonly patienceMs: number | null;
  /** How often it looks for new topics and partitions; absent is `LOADER_LIMITS.topicsIntervalMs`. */
  readonly topicsIntervalMs?: number;
}

const NO_TOPICS: Topics = { partitions: new Map(), missing: [] };

export class LoaderRun {
  readonly #deps: LoaderRunDeps;
  readonly #options: LoaderRunOptions;
  readonly #patience: Patience;
  readonly #lanes: LaneSet;
  readonly #membership: Membership;
  readonly #progress: Progress;
  readonly #troubles: Troubles;
  readonly #commits: Every;
  readonly #topicLooks: Every;
  #makeLane: MakeLane | null = null;
  #keeper: MappingKeeper | null = null;
  #topics = NO_TOPICS;
  #plans: readonly LanePlan[] = [];
  #phase: "starting" | "running" | "stopping" | "stopped" = "starting";
  #wasAssigned = false;
  #failure: { readonly error: unknown } | null = null;

  constructor(deps: LoaderRunDeps, options: LoaderRunOptions) {
    this.#deps = deps;
    this.#options = options;
    const { clock, random, logger, meter, consumer } = deps;
    this.#patience = new Patience(
      { clock, random, logger },
      { backoffMs: LOADER_LIMITS.backoffMs, limitMs: options.patienceMs },
    );
    const placer = new LanePlacer(
      { consumer, patience: this.#patience, logger, onLost: (events) => meter.lostEvents(events) },
      options.lostEvents,
    );
    this.#lanes = new LaneSet(
      {
        makeLane: (plan) => this.#newLane(plan),
        placer,
        patience: this.#patience,
        gate: new Gate(LOADER_LIMITS.lanesOpenedAtOnce),
        logger,
        clock,
        random,
      },
      { once: onceMode(options) },
    );
    this.#membership = new Membership((lost) => this.#onRevoked(lost));
    this.#progress = new Progress({ logger, clock });
    this.#troubles = new Troubles({ logger, clock, onTrouble: () => meter.kafkaTrouble() });
    this.#commits = new Every(clock, LOADER_LIMITS.commitIntervalMs);
    this.#topicLooks = new Every(clock, options.topicsIntervalMs ?? LOADER_LIMITS.topicsIntervalMs);
  }

  /**
   * Resolves when it was asked to stop and has, or is done.
   * @throws what it could not go on for, when all lanes have ended
   */
  async run(signal: AbortSignal): Promise<void> {
    const ending = new AbortController();
    const fail = (error: unknown) => {
      this.#failure ??= { error };
      ending.abort(error);
    };
    this.#lanes.failed.catch(fail);
    const anySignal = AbortSignal.any([signal, ending.signal]);
    const watch = new LagWatch({ ...this.#deps, lanes: this.#lanes });
    let watching: Promise<void> = Promise.resolve();
    try {
      await this.#start(anySignal);
      watching = watch.run(anySignal).catch(fail);
      await this.#load(anySignal, fail);
    } catch (error) {
      if (!anySignal.aborted) fail(error);
    }
    ending.abort(new Error("the loader ends"));
    await watching;
    await this.#end().catch(fail);
    if (this.#failure !== null) throw this.#failure.error;
  }

  status(): LoaderStatus {
    const nowMs = this.#deps.clock.nowUs() / 1000;
    const lanes = this.#lanes.lives.map((life) => laneStatusOf(life, nowMs));
    const lag = totalLag(lanes);
    return {
      state: this.#state(lag.events),
      ready: this.#isReady,
      waitingFor: this.#patience.waiting,
      missingTopics: this.#topics.missing,
      lagEvents: lag.events,
      lagSeconds: lag.seconds,
      lanes,
      totals: this.#deps.meter.totals,
    };
  }

  get #isReady(): boolean {
    return this.#phase === "running" && this.#wasAssigned && this.#lanes.haveCaughtUpOnce;
  }

  #state(lagEvents: number | null): LoaderState {
    if (this.#phase !== "running") return this.#phase;
    if (!this.#wasAssigned) return "starting";
    if (this.#lanes.lives.length === 0) return "standby";
    return this.#lanes.areCaughtUp && (lagEvents ?? 0) === 0 ? "current" : "loading";
  }

  #newLane(plan: LanePlan) {
    if (this.#makeLane === null)
      throw new CtlstoreError("internal", "Cannot make a lane before the mapping is read");
    return this.#makeLane(plan);
  }

  async #start(signal: AbortSignal): Promise<void> {
    const { openMapping, laneMaker, meter, consumer, logger } = this.#deps;
    const keeper = await this.#patience.untilDone("read the mapping's tables", signal, () =>
      openMapping(signal),
    );
    this.#keeper = keeper;
    this.#makeLane = laneMaker(keeper);
    const names = topicsToRead(keeper.current, this.#options);
    meter.expect(names);
    const topics = await this.#patience.untilDone("find the topics", signal, () =>
      findTopics(consumer, names, signal),
    );
    if (this.#options.once) assertNoneMissing(topics);
    this.#takeTopics(topics);
    if (this.#options.once) this.#lanes.own(this.#plans);
    this.#wasAssigned = this.#options.once;
    this.#phase = "running";
    logger.info({ topics: names.length, lanes: this.#plans.length }, "loader reads its topics");
  }

  /** Plans anew; joins the group for the topics that are there. */
  #takeTopics(topics: Topics): void {
    const { consumer, logger } = this.#deps;
    const keeper = this.#keeper;
    if (keeper === null) return;
    const known = new Set(this.#topics.partitions.keys());
    if (topics.missing.length > 0 && topics.missing.length !== this.#topics.missing.length)
      logger.warn({ topics: topics.missing }, "Kafka does not have these topics: the loader waits for them");
    // Without the topic that its lanes hang on there may be none yet.
    const plans = plansOf(keeper.current, topics, this.#options);
    this.#topics = topics;
    this.#plans = plans;
    if (this.#options.once || topics.partitions.size === 0) return;
    if ([...topics.partitions.keys()].some((topic) => !known.has(topic)))
      consumer.join([...topics.partitions.keys()], this.#membership);
    if (this.#membership.isAssigned) this.#lanes.own(this.#membership.lanesOf(plans));
  }

  async #load(signal: AbortSignal, fail: (error: unknown) => void): Promise<void> {
    const { clock } = this.#deps;
    let fetchedMs = clock.monotonicMs();
    while (!signal.aborted) {
      this.#followTheGroup();
      const startMs = clock.monotonicMs();
      const isPatienceOver = startMs - fetchedMs > LOADER_LIMITS.fullPatienceMs;
      const hasRoom = this.#feed(isPatienceOver);
      const mayWait = !hasRoom && !isPatienceOver;
      if (!mayWait) fetchedMs = startMs;
      const isIdle = mayWait || !(await this.#fetchAndHandOn(hasRoom, signal));
      this.#keepHouse(signal, fail);
      if (this.#options.once && this.#lanes.areDone) return;
      if (mayWait) await clock.sleep(LOADER_LIMITS.fullWaitMs, signal);
      else if (isIdle && clock.monotonicMs() - startMs < 1) await clock.sleep(LOADER_LIMITS.idleMs, signal);
      else await turnOfEventLoop();
    }
  }

  /** Calls of the consumer between two fetches. @returns whether there is a lane that more should be fetched for */
  #feed(isPatienceOver: boolean): boolean {
    const { consumer } = this.#deps;
    if (!this.#options.once && !this.#membership.isAssigned) return true;
    this.#lanes.applyTo(consumer);
    return this.#lanes.balance(consumer, isPatienceOver);
  }

  /** @returns whether anything came */
  async #fetchAndHandOn(hasRoom: boolean, signal: AbortSignal): Promise<boolean> {
    const { fetchWaitMs, fullWaitMs } = LOADER_LIMITS;
    const fetched = await this.#fetch(hasRoom ? fetchWaitMs : fullWaitMs, signal);
    if (fetched === null) return false;
    this.#lanes.handOn(fetched);
    return fetched.records.length > 0 || fetched.ends.length > 0;
  }

  #followTheGroup(): void {
    if (!this.#membership.takeChange()) return;
    const { meter, logger } = this.#deps;
    const lanes = this.#membership.lanesOf(this.#plans);
    this.#wasAssigned = true;
    meter.rebalance();
    logger.info({ lanes: lanes.map(({ name }) => name) }, "the group has given out its partitions");
    // The group waits for this, also when nothing can be read yet.
    this.#lanes.assignAnew();
    this.#lanes.own(lanes);
    if (this.#membership.knowsMoreThan(this.#plans)) this.#topicLooks.hurry();
  }

  #onRevoked(lost: boolean): void {
    this.#deps.logger.info({ lost }, "the group takes its partitions back");
    this.#lanes.giveUpAll();
  }

  /** Null when there was an error that passes. */
  async #fetch(waitMs: number, signal: AbortSignal): Promise<Fetched | null> {
    const { consumer } = this.#deps;
    try {
      return await this.#patience.untilDone("fetch records", signal, () => consumer.fetch(waitMs));
    } catch (error) {
      if (!isCtlstoreError(error)) throw error;
      if (error.code === "events_lost") {
        // Which they are, and what to do about it, is found out where lanes are placed.
        this.#deps.logger.warn({ reason: messageOf(error) }, "records are gone: all lanes are placed anew");
        this.#lanes.reopenAll();
        await this.#deps.clock.sleep(LOADER_LIMITS.backoffMs.base, signal);
        return null;
      }
      if (error.code !== "kafka_topic_unknown" || this.#options.once) throw error;
      this.#troubles.note([error.message]);
      return null;
    }
  }

  #keepHouse(signal: AbortSignal, fail: (error: unknown) => void): void {
    const { consumer } = this.#deps;
    this.#troubles.note(consumer.takeTroubles());
    this.#progress.look(() => this.status());
    if (this.#commits.isDue) this.#commit();
    if (this.#options.once || !this.#topicLooks.isDue) return;
    this.#lookForTopics(signal).catch((error) => {
      if (!signal.aborted) fail(error);
    });
  }

  /** Partitions are added, topics are made; what vanishes is not believed: its lanes hear it from the broker. */
  async #lookForTopics(signal: AbortSignal): Promise<void> {
    const keeper = this.#keeper;
    if (keeper === null) return;
    const names = topicsToRead(keeper.current, this.#options);
    const found = await this.#patience.untilDone("look at the topics", signal, () =>
      findTopics(this.#deps.consumer, names, signal),
    );
    const partitions = new Map(this.#topics.partitions);
    for (const [topic, count] of found.partitions)
      partitions.set(topic, Math.max(count, partitions.get(topic) ?? 0));
    const topics = { partitions, missing: found.missing.filter((topic) => !partitions.has(topic)) };
    if (signal.aborted || sameTopics(topics, this.#topics)) return;
    this.#takeTopics(topics);
  }

  #commit(): void {
    const positions = this.#lanes.lives.flatMap((life) => life.applied);
    const isAllowed = this.#options.once || this.#membership.isAssigned;
    if (positions.length > 0 && isAllowed) this.#deps.consumer.commit(positions);
  }

  async #end(): Promise<void> {
    this.#phase = "stopping";
    const { consumer, logger } = this.#deps;
    const { lives } = this.#lanes;
    try {
      await this.#lanes.stop();
      const positions = lives.flatMap((life) => life.applied);
      if (positions.length > 0) consumer.commit(positions);
    } finally {
      await consumer
        .close()
        .catch((error) => logger.warn({ err: error }, "the Kafka client did not end well"));
      this.#phase = "stopped";
    }
  }
}

function assertNoneMissing({ missing }: Topics): void {
  const [first] = missing;
  if (first === undefined) return;
  throw new CtlstoreError(
    "kafka_topic_unknown",
    `Cannot load topic ${first}: Kafka has no such topic; it must be there`,
    {
      hint: "look at the mapping's names, and at the tables that Debezium captures; a topic comes with its table's first event",
    },
  );
}

/** What one transaction changed lies in several partitions, and its end in another: they have no common end. */
function onceMode({ once, preserveTransactions }: LoaderRunOptions): LaneSetOptions["once"] {
  if (!once) return null;
  return preserveTransactions ? "past-ends" : "to-ends";
}
