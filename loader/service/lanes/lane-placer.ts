/** Finds the places in Kafka from which a lane reads on, by what its cookie says and what the partitions hold. */
import { LOADER_LIMITS } from "../../../core/limits.ts";
import type { Logger } from "../../../core/process/logger.ts";
import type { KafkaConsumer, Position, TopicPartition, Watermarks } from "../../kafka/consumer.ts";
import { partitionKey } from "../../kafka/partition-key.ts";
import { BEGINNING } from "../../lanes/records/starting-positions.ts";
import { Gate } from "../gate.ts";
import type { Patience } from "../patience.ts";
import type { ServedLane } from "./served-lane.ts";
import { eventsLost, type LostEventsPolicy, type Placement, placementOf } from "./start-positions.ts";

export interface PlacedPartition {
  readonly partition: TopicPartition;
  /** Read from here. */
  readonly next: number;
  /** Where the partition ended just now. */
  readonly high: number;
}

export interface LanePlacerDeps {
  readonly consumer: KafkaConsumer;
  readonly patience: Patience;
  readonly logger: Logger;
  /** Events that are gone were passed over: so many. */
  readonly onLost: (events: number) => void;
}

export class LanePlacer {
  readonly #deps: LanePlacerDeps;
  readonly #lostEvents: LostEventsPolicy;
  readonly #gate = new Gate(LOADER_LIMITS.watermarksAtOnce);

  constructor(deps: LanePlacerDeps, lostEvents: LostEventsPolicy) {
    this.#deps = deps;
    this.#lostEvents = lostEvents;
  }

  /** @throws CtlstoreError `events_lost` when that is what the operator wants */
  place(
    lane: ServedLane,
    positions: readonly Position[],
    signal: AbortSignal,
  ): Promise<readonly PlacedPartition[]> {
    const applied = new Map(lane.appliedPositions().map((position) => [partitionKey(position), position]));
    return Promise.all(
      positions.map(async (position) => {
        const watermarks = await this.watermarks(position, signal);
        const cookie = applied.get(partitionKey(position)) ?? position;
        return this.#placeOne(lane, { position, cookie, watermarks });
      }),
    );
  }

  /** Waits while the cluster is away. */
  watermarks({ topic, partition }: TopicPartition, signal: AbortSignal): Promise<Watermarks> {
    const { consumer, patience } = this.#deps;
    // The gate is for questions, not for waits: a partition whose broker is away must not hold up the others.
    return patience.untilDone("ask where partitions begin and end", signal, () =>
      this.#gate.run(() => consumer.watermarks({ topic, partition }, signal)),
    );
  }

  /**
   * @param position where the lane wants to read from: before the cookie's when it must see the rows of an open snapshot again
   * @param cookie what has not taken effect yet
   */
  #placeOne(
    lane: ServedLane,
    { position, cookie, watermarks }: { position: Position; cookie: Position; watermarks: Watermarks },
  ): PlacedPartition {
    const { topic, partition } = position;
    const placement = placementOf(cookie, watermarks);
    const { high } = watermarks;
    if (placement.kind === "deleted" || placement.kind === "ahead")
      this.#passOver(cookie, watermarks, placement);
    const wanted = placement.kind === "there" && position.next !== BEGINNING ? position.next : placement.next;
    const next = Math.max(wanted, watermarks.low);
    lane.begin({ topic, partition, next });
    return { partition: { topic, partition }, next, high };
  }

  #passOver(
    position: Position,
    watermarks: Watermarks,
    placement: Extract<Placement, { readonly kind: "deleted" | "ahead" }>,
  ): void {
    const error = eventsLost(position, watermarks, placement);
    if (this.#lostEvents === "stop") throw error;
    const { topic, partition, next } = position;
    const fields = { topic, partition, wanted: next, next: placement.next, err: error };
    this.#deps.logger.error(fields, "events are lost: the loader goes on without them");
    this.#deps.onLost(placement.events);
  }
}
