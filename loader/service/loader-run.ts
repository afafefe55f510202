/**
 * The run of a loader: finds the mapping's tables and topics, becomes the owner of lanes, feeds them, and ends them.
 *
 * Everything that is away is waited for. It ends when it is asked to, when a run that ends by itself is done, or at the
 * first thing that somebody must look at; in each case the lanes end the batch under way first.
 */
import { CtlstoreError, messageOf } from "../../core/errors.ts";
import { LOADER_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import type { KafkaConsumer } from "../kafka/consumer.ts";
import type { LanePlan } from "../lanes/lane-contract.ts";
import type { MappingKeeper } from "../mapping/mapping.ts";
import { Feeder, type FeederOptions } from "./feeder.ts";
import { Gate } from "./gate.ts";
import { LaneOwner, type LaneOwnerOptions } from "./lanes/lane-owner.ts";
import { LanePlacer } from "./lanes/lane-placer.ts";
import { LaneSet, type LaneSetOptions } from "./lanes/lane-set.ts";
import type { MakeLane } from "./lanes/served-lane.ts";
import type { LostEventsPolicy } from "./lanes/start-positions.ts";
import { Patience } from "./patience.ts";
import { LagWatch } from "./status/lag-watch.ts";
import type { LoaderMeter } from "./status/metrics.ts";
import { Progress } from "./status/progress.ts";
import { Rate } from "./status/rate.ts";
import { type LoaderState, type LoaderStatus, laneStatusOf, totalLag } from "./status/status.ts";
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

export interface LoaderRunOptions extends LaneOwnerOptions, FeederOptions {
  /** Loads up to the end that each partition has at the start, without the group, and is done then. */
  readonly once: boolean;
  readonly lostEvents: LostEventsPolicy;
  /** How long it waits for what is away; null for ever. */
  readonly patienceMs: number | null;
}

export class LoaderRun {
  readonly #deps: LoaderRunDeps;
  readonly #options: LoaderRunOptions;
  readonly #patience: Patience;
  readonly #lanes: LaneSet;
  readonly #owner: LaneOwner;
  readonly #troubles: Troubles;
  readonly #rate = new Rate();
  readonly #ending = new AbortController();
  #makeLane: MakeLane | null = null;
  #phase: "starting" | "running" | "stopping" | "stopped" = "starting";
  #failure: { readonly error: unknown } | null = null;

  constructor(deps: LoaderRunDeps, options: LoaderRunOptions) {
    this.#deps = deps;
    this.#options = options;
    const { clock, random, logger, meter, consumer } = deps;
    const limits = { backoffMs: LOADER_LIMITS.backoffMs, limitMs: options.patienceMs };
    const patience = new Patience({ clock, random, logger }, limits);
    const onLost = (events: number) => meter.lostEvents(events);
    const placer = new LanePlacer({ consumer, patience, logger, onLost }, options.lostEvents);
    const gate = new Gate(LOADER_LIMITS.lanesOpenedAtOnce);
    const makeLane: MakeLane = (plan) => this.#newLane(plan);
    this.#patience = patience;
    this.#troubles = new Troubles({ logger, clock, onTrouble: () => meter.kafkaTrouble() });
    this.#lanes = new LaneSet(
      { makeLane, placer, patience, gate, logger, clock, random },
      { once: onceMode(options) },
    );
    this.#owner = new LaneOwner({ consumer, lanes: this.#lanes, patience, meter, logger }, options);
  }

  /**
   * Resolves when it was asked to stop and has, or is done.
   * @throws what it could not go on for, when all lanes have ended
   */
  async run(signal: AbortSignal): Promise<void> {
    const anySignal = AbortSignal.any([signal, this.#ending.signal]);
    this.#lanes.failed.catch((error: unknown) => this.#fail(error));
    let watching: Promise<void> = Promise.resolve();
    try {
      await this.#start(anySignal);
      const watch = new LagWatch({ ...this.#deps, lanes: this.#lanes });
      watching = watch.run(anySignal).catch((error: unknown) => this.#fail(error));
      await this.#newFeeder().run(anySignal);
    } catch (error) {
      if (!anySignal.aborted) this.#fail(error);
    }
    this.#ending.abort(new Error("the loader ends"));
    await watching;
    await this.#end().catch((error: unknown) => this.#fail(error));
    if (this.#failure !== null) throw this.#failure.error;
  }

  status(): LoaderStatus {
    const { clock, meter } = this.#deps;
    const nowMs = clock.nowUs() / 1000;
    const lanes = this.#lanes.lives.map((life) => laneStatusOf(life, nowMs));
    const lag = totalLag(lanes);
    return {
      state: this.#state(lag.events),
      ready: this.#phase === "running" && this.#owner.wasAssigned && this.#lanes.haveCaughtUpOnce,
      waitingFor: this.#patience.waiting,
      lastKafkaTrouble: this.#troubles.last,
      missingTopics: this.#owner.missingTopics,
      lagEvents: lag.events,
      lagSeconds: lag.seconds,
      eventsPerSecond: this.#rate.perSecond(clock.monotonicMs(), meter.totals.records),
      lanes,
      totals: meter.totals,
    };
  }

  #state(lagEvents: number | null): LoaderState {
    if (this.#phase !== "running") return this.#phase;
    if (!this.#owner.wasAssigned) return "starting";
    if (this.#lanes.lives.length === 0) return "standby";
    return this.#lanes.areCaughtUp && (lagEvents ?? 0) === 0 ? "current" : "loading";
  }

  /** The first reason counts; what follows from it is told by nobody. */
  #fail(error: unknown): void {
    if (this.#failure === null && !this.#ending.signal.aborted)
      this.#deps.logger.error({ reason: messageOf(error) }, "loader stops: it cannot go on");
    this.#failure ??= { error };
    this.#ending.abort(error);
  }

  #newLane(plan: LanePlan) {
    if (this.#makeLane === null)
      throw new CtlstoreError("internal", "Cannot make a lane before the mapping is read");
    return this.#makeLane(plan);
  }

  #newFeeder(): Feeder {
    const { logger, clock, meter } = this.#deps;
    const progress = new Progress({ logger, clock });
    const onTurn = () => {
      this.#rate.note(clock.monotonicMs(), meter.totals.records);
      progress.look(() => this.status());
    };
    return new Feeder(
      {
        ...this.#deps,
        owner: this.#owner,
        lanes: this.#lanes,
        patience: this.#patience,
        troubles: this.#troubles,
        onTurn,
        onFailure: (error) => this.#fail(error),
      },
      this.#options,
    );
  }

  async #start(signal: AbortSignal): Promise<void> {
    const { openMapping, laneMaker } = this.#deps;
    const keeper = await this.#patience.untilDone("read the mapping's tables", signal, () =>
      openMapping(signal),
    );
    this.#makeLane = laneMaker(keeper);
    await this.#owner.begin(keeper.current, signal);
    this.#phase = "running";
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
        .catch((error: unknown) => logger.warn({ err: error }, "the Kafka client did not end well"));
      this.#phase = "stopped";
    }
  }
}

/** What one transaction changed lies in several partitions, and its end in another: they have no common end. */
function onceMode({ once, preserveTransactions }: LoaderRunOptions): LaneSetOptions["once"] {
  if (!once) return null;
  return preserveTransactions ? "past-ends" : "to-ends";
}
