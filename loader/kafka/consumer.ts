/**
 * Kafka as the loader sees it. `client.ts` beside it is the one implementation, and the only file that knows the client.
 *
 * Offsets are doubles in the client; one beyond 2^53 is refused there, so here they are exact numbers.
 */

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** A place in a partition: `next` is the offset of the first record that has not been dealt with. */
export interface Position extends TopicPartition {
  readonly next: number;
}

/** One record as it lies in the log. Its bytes are never changed after it was handed out. */
export interface KafkaRecord extends TopicPartition {
  readonly offset: number;
  readonly key: Uint8Array | null;
  /** Null is a tombstone. */
  readonly value: Uint8Array | null;
  /** Names as they are, the last value where a name comes twice. Empty when there are none. */
  readonly headers: ReadonlyMap<string, Uint8Array>;
  /** Milliseconds since 1970, by the producer or the broker; null when the record has none. */
  readonly timestampMs: number | null;
}

/** What one fetch brought, in the order of each partition. */
export interface Fetched {
  readonly records: readonly KafkaRecord[];
  /** Partitions that have been read to their present end, and the offset there. */
  readonly ends: readonly Position[];
}

/** Offsets that a partition has: records from `low` on are kept, `high` is the one that the next record will get. */
export interface Watermarks {
  readonly low: number;
  readonly high: number;
}

/** The consumer group says which partitions are this instance's. Both are called from `fetch`, never within a call of yours. */
export interface GroupListener {
  /** All partitions that are this instance's now; what it had before, `onRevoked` has taken back. */
  onAssigned(partitions: readonly TopicPartition[]): void;
  /** @param lost true when others may have them already: nothing of them should be written any more */
  onRevoked(lost: boolean): void;
}

/**
 * A consumer. Every call may throw CtlstoreError `kafka_unavailable`, `kafka_denied`, `kafka_topic_unknown`.
 *
 * Nothing is read before `assign`, group or not: where to begin is what the cookies say, not Kafka's committed offsets.
 */
export interface KafkaConsumer {
  /** The number of partitions of each topic. */
  partitionsOf(topics: readonly string[], signal?: AbortSignal): Promise<ReadonlyMap<string, number>>;
  watermarks(partition: TopicPartition, signal?: AbortSignal): Promise<Watermarks>;
  /** Joins the consumer group for these topics, at the next fetch. `fetch` must be called again and again to stay in it. */
  join(topics: readonly string[], listener: GroupListener): void;
  /**
   * Reads these partitions from these offsets, and no others, from the next fetch on: replaces what was assigned before, also
   * what is paused. A member of a group may name any partition, once `onAssigned` has been called; before it, and after
   * `onRevoked`, the call does nothing.
   */
  assign(positions: readonly Position[]): void;
  /**
   * Waits for records up to `waitMs`, then answers what has come, which may be nothing. One call at a time.
   *
   * @throws CtlstoreError `events_lost` also, when a partition does not have the record that is next: some seconds after it
   * was found out, at the latest. The consumer goes on with the others when it is called again.
   */
  fetch(waitMs: number): Promise<Fetched>;
  /**
   * Stops fetching of some partitions, whose readers are full, from the next fetch on; the others go on. What had been
   * fetched ahead of them is fetched again after `resume`.
   */
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  /** Tells the group how far this is, for the lag tools of Kafka; never read back. A failure is logged by nobody. */
  commit(positions: readonly Position[]): void;
  /** What went wrong since the last call and is not thrown by any other: brokers that come and go. */
  takeTroubles(): readonly string[];
  /** Leaves the group and ends. */
  close(): Promise<void>;
}

/** A record for the topic of dead letters. */
export interface OutgoingRecord {
  readonly topic: string;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: Readonly<Record<string, string>>;
}

export interface KafkaProducer {
  /** Resolves when all in-sync replicas have it. @throws CtlstoreError `kafka_unavailable`, `kafka_denied` */
  send(record: OutgoingRecord, signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface KafkaSettings {
  /** `host:port`, several separated by commas. */
  readonly brokers: string;
  /** The consumer group. */
  readonly group: string;
  /** Settings of librdkafka by their own names: `security.protocol`, `sasl.mechanisms`, `ssl.ca.location`, … They win over ours, but for those that the loader's promises hang on. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Makes clients of one cluster; the process has one. No call connects before it must. */
export interface Kafka {
  consumer(): KafkaConsumer;
  producer(): KafkaProducer;
}
