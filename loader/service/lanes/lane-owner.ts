/**
 * Which lanes are this instance's: plans them from the topics that there are, and has those that the group gives it, or all of
 * them in a run without a group.
 */
import { CtlstoreError } from "../../../core/errors.ts";
import type { Logger } from "../../../core/process/logger.ts";
import type { KafkaConsumer } from "../../kafka/consumer.ts";
import type { LanePlan } from "../../lanes/lane-contract.ts";
import type { Mapping } from "../../mapping/mapping.ts";
import type { Patience } from "../patience.ts";
import type { LoaderMeter } from "../status/metrics.ts";
import { findTopics, sameTopics, type Topics } from "../topics.ts";
import { type LanePlansOptions, plansOf, topicsToRead } from "./lane-plans.ts";
import type { LaneSet } from "./lane-set.ts";
import { Membership } from "./membership.ts";

export interface LaneOwnerDeps {
  readonly consumer: KafkaConsumer;
  readonly lanes: LaneSet;
  readonly patience: Patience;
  readonly meter: LoaderMeter;
  readonly logger: Logger;
}

export interface LaneOwnerOptions extends LanePlansOptions {
  /** Has all lanes, whatever others do. */
  readonly once: boolean;
}

export class LaneOwner {
  readonly #deps: LaneOwnerDeps;
  readonly #options: LaneOwnerOptions;
  readonly #membership: Membership;
  #mapping: Mapping | null = null;
  #topics: Topics = { partitions: new Map(), missing: [] };
  /** Found, and to be planned at the next assignment. */
  #next: Topics | null = null;
  #joined: ReadonlySet<string> = new Set();
  #plans: readonly LanePlan[] = [];
  #wasAssigned = false;

  constructor(deps: LaneOwnerDeps, options: LaneOwnerOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#membership = new Membership((lost) => this.#onRevoked(lost));
  }

  /** Topics of the mapping that Kafka does not have. */
  get missingTopics(): readonly string[] {
    return this.#topics.missing;
  }

  /** It knows which lanes are its own, or did once. */
  get wasAssigned(): boolean {
    return this.#wasAssigned;
  }

  /** The consumer may be told what to read, and how far that is. */
  get isAssigned(): boolean {
    return this.#options.once || this.#membership.isAssigned;
  }

  /** @throws CtlstoreError `kafka_denied`, `config_invalid`, `mapping_invalid`; `kafka_topic_unknown` in a run without a group */
  async begin(mapping: Mapping, signal: AbortSignal): Promise<void> {
    const { meter, logger, lanes } = this.#deps;
    const names = topicsToRead(mapping, this.#options);
    meter.expect(names);
    this.#mapping = mapping;
    const topics = await this.#find(mapping, signal);
    if (this.#options.once) assertNoneMissing(topics);
    this.#take(mapping, topics);
    if (this.#options.once) lanes.own(this.#plans);
    this.#wasAssigned = this.#options.once;
    logger.info({ topics: names.length, lanes: this.#plans.length }, "loader reads its topics");
  }

  /** Carries out what the group decided during the last fetch. @returns whether it decided anything: look for topics */
  followGroup(): boolean {
    if (!this.#membership.takeChange()) return false;
    if (this.#next !== null && this.#mapping !== null) this.#plan(this.#mapping, this.#next);
    const { meter, logger, lanes } = this.#deps;
    const own = this.#membership.lanesOf(this.#plans);
    this.#wasAssigned = true;
    meter.rebalance();
    logger.info({ lanes: own.map(({ name }) => name) }, "the group has given out its partitions");
    // The group waits for this, also when nothing can be read yet.
    lanes.assignAnew();
    lanes.own(own);
    return true;
  }

  /** Partitions are added, topics are made; what vanishes is not believed: its lanes hear it from the broker. */
  async lookForTopics(signal: AbortSignal): Promise<void> {
    const mapping = this.#mapping;
    if (mapping === null || this.#options.once) return;
    const found = await this.#find(mapping, signal);
    const partitions = new Map((this.#next ?? this.#topics).partitions);
    for (const [topic, count] of found.partitions)
      partitions.set(topic, Math.max(count, partitions.get(topic) ?? 0));
    const topics = { partitions, missing: found.missing.filter((topic) => !partitions.has(topic)) };
    if (!signal.aborted && !sameTopics(topics, this.#next ?? this.#topics)) this.#take(mapping, topics);
  }

  #find(mapping: Mapping, signal: AbortSignal): Promise<Topics> {
    const { consumer, patience } = this.#deps;
    return patience.untilDone("find the topics", signal, () =>
      findTopics(consumer, topicsToRead(mapping, this.#options), signal),
    );
  }

  /**
   * Other instances must plan the same lanes of what the group gives out, or one has no owner: so what is new is planned at
   * the next assignment, for which the group is joined anew; at once only if the group knows already, or does not matter.
   */
  #take(mapping: Mapping, topics: Topics): void {
    const { consumer, lanes } = this.#deps;
    const names = [...topics.partitions.keys()];
    const isFirst = this.#topics.partitions.size === 0;
    const isKnownToGroup = this.#membership.knowsMoreThan(this.#topics.partitions);
    if (this.#options.once || isFirst || isKnownToGroup) this.#plan(mapping, topics);
    else this.#next = topics;
    if (this.#options.once || names.length === 0) return;
    const hasNew = names.some((topic) => !this.#joined.has(topic));
    this.#joined = new Set(names);
    if (hasNew || !isKnownToGroup) consumer.join(names, this.#membership);
    else lanes.own(this.#membership.lanesOf(this.#plans));
  }

  #plan(mapping: Mapping, topics: Topics): void {
    const { missing } = topics;
    if (missing.length > 0 && missing.length !== this.#topics.missing.length)
      this.#deps.logger.warn(
        { topics: missing },
        "Kafka does not have these topics: the loader waits for them",
      );
    this.#plans = plansOf(mapping, topics, this.#options);
    this.#topics = topics;
    this.#next = null;
  }

  #onRevoked(lost: boolean): void {
    this.#deps.logger.info({ lost }, "the group takes its partitions back");
    this.#deps.lanes.giveUpAll();
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
