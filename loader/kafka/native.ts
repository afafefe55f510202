/**
 * What we use of @confluentinc/kafka-javascript's low-level interface, in our own types: `client.ts` is the only file that
 * knows the package, and tests can stand in for it.
 */

export interface NativeError {
  /** Kafka's error numbers are positive, librdkafka's own negative. */
  readonly code?: number;
  readonly message: string;
}

/** As the addon hands a record out. */
export interface NativeMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** One object with one property for each header. */
  readonly headers?: readonly Readonly<Record<string, Uint8Array | string>>[];
  /** -1 when there is none. */
  readonly timestamp: number;
}

export interface NativePosition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export interface NativePartition {
  readonly topic: string;
  readonly partition: number;
}

export interface NativeMetadata {
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly { readonly id: number }[];
  }[];
}

type Done = (error: NativeError | null | undefined) => void;
type Answer<T> = (error: NativeError | null | undefined, value: T) => void;

export interface NativeMetadataOptions {
  readonly topic?: string;
  readonly allTopics: boolean;
  readonly timeout: number;
}

/** A line that librdkafka would log. */
export interface NativeLogLine {
  /** syslog's numbers. */
  readonly severity: number;
  readonly message: string;
}

export interface NativeClient {
  connect(options: NativeMetadataOptions, done: Answer<NativeMetadata>): unknown;
  /** Every error that concerns no call: brokers that come and go. */
  on(event: "event.error", listener: (error: NativeError) => void): unknown;
  on(event: "event.log", listener: (line: NativeLogLine) => void): unknown;
  on(event: "partition.eof", listener: (end: NativePosition) => void): unknown;
  getMetadata(options: NativeMetadataOptions, done: Answer<NativeMetadata>): unknown;
}

export interface NativeConsumer extends NativeClient {
  disconnect(done: Done): unknown;
  setDefaultConsumeTimeout(ms: number): void;
  /** True: what is there is handed out as soon as one record has come. */
  setDefaultIsTimeoutOnlyForFirstMessage(only: boolean): void;
  /** Ends of partitions are told by `partition.eof` before it answers. */
  consume(count: number, done: Answer<readonly NativeMessage[]>): void;
  subscribe(topics: readonly string[]): unknown;
  assign(positions: readonly NativePosition[]): unknown;
  unassign(): unknown;
  assignmentLost(): boolean;
  pause(partitions: readonly NativePartition[]): unknown;
  resume(partitions: readonly NativePartition[]): unknown;
  commit(positions: readonly NativePosition[]): unknown;
  queryWatermarkOffsets(
    topic: string,
    partition: number,
    timeoutMs: number,
    done: Answer<{ readonly lowOffset: number; readonly highOffset: number }>,
  ): void;
}

/** Called on a thread of its own by the addon, and here by the event loop while a `consume` or `disconnect` is under way. */
export type RebalanceCallback = (
  error: NativeError | undefined,
  partitions: readonly NativePartition[],
) => void;

export interface NativeProducer extends NativeClient {
  disconnect(timeoutMs: number, done: Done): unknown;
  /** Lets it say what it has heard. */
  poll(): unknown;
  /** Delivery reports come as soon as there are any. */
  setPollInBackground(on: boolean): unknown;
  on(
    event: "delivery-report",
    listener: (error: NativeError | null | undefined, report: { readonly opaque?: unknown }) => void,
  ): unknown;
  on(event: "event.error", listener: (error: NativeError) => void): unknown;
  on(event: "event.log", listener: (line: NativeLogLine) => void): unknown;
  on(event: "partition.eof", listener: (end: NativePosition) => void): unknown;
  produce(
    topic: string,
    partition: null,
    value: Buffer | null,
    key: Buffer | null,
    timestampMs: number,
    opaque: unknown,
    headers: readonly Readonly<Record<string, string>>[],
  ): unknown;
}

/** The package itself. */
export interface NativeKafka {
  consumer(settings: Readonly<Record<string, string>>, onRebalance: RebalanceCallback): NativeConsumer;
  producer(settings: Readonly<Record<string, string>>): NativeProducer;
}
