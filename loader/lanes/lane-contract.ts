/** What a lane is made of, and what it tells about itself. */
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import type { Tracer } from "../../core/process/tracing/tracer.ts";
import type { DeadLetters } from "../dead-letters/dead-letters.ts";
import type { ChangeEvent } from "../events/change-event.ts";
import type { KafkaRecord, TopicPartition } from "../kafka/consumer.ts";
import type { MappingKeeper } from "../mapping/mapping.ts";
import type { LaneWriter } from "./batches/lane-writer.ts";
import type { LaneMeter } from "./lane-meter.ts";
import type { SnapshotTracker } from "./snapshot-tracker.ts";
import type { TableWorker, TableWorkReport } from "./table-worker.ts";
import type { UnitMaker } from "./units/unit-maker.ts";

/** A table that rows of a topic go to. */
export interface LaneTable {
  readonly topic: string;
  readonly family: string;
  readonly table: string;
}

/** Partitions whose positions move with one writer's cookie. */
export interface LanePlan {
  /** For people: the topic, `topic:partition`, or `all`. */
  readonly name: string;
  /** The writer whose cookie this is; unique among the lanes of a loader. */
  readonly writer: string;
  /** Sorted by topic and number. */
  readonly partitions: readonly TopicPartition[];
  /** Whoever is assigned this one by the consumer group owns the whole lane. */
  readonly anchor: TopicPartition;
  /** The tables whose snapshots are followed, for rows that vanished. */
  readonly snapshotTables: readonly LaneTable[];
}

export interface RecordDecoder {
  /** @throws CtlstoreError `event_malformed` */
  decode(record: KafkaRecord): ChangeEvent;
}

export interface LaneDeps {
  readonly keeper: MappingKeeper;
  readonly decoder: RecordDecoder;
  readonly writer: LaneWriter;
  /** Null stops at the first event that cannot be loaded. */
  readonly deadLetters: DeadLetters | null;
  /** Made for this lane alone: it remembers what it has seen. */
  readonly unitMaker: UnitMaker;
  /** The one that the unit maker asks. */
  readonly tracker: SnapshotTracker;
  readonly tableWorker: TableWorker;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly meter: LaneMeter;
  /** For the jitter of waits: returns 0 ≤ x < 1. */
  readonly random?: () => number;
  /** Absent: nothing is traced. */
  readonly tracer?: Tracer;
}

/** Defaults: `LANE_LIMITS` in core/limits.ts. */
export interface LaneOptions {
  /** Mutations per request. */
  readonly batchRows?: number;
  /** Bytes of mutations per request, as they are on the wire. */
  readonly batchBytes?: number;
  /** How long a batch waits for more. */
  readonly lingerMs?: number;
  /** Sends every mutation, also those that a later one of the same batch replaces. */
  readonly keepRepeats?: boolean;
  /** Records and their bytes that may wait for decoding before `isFull`. */
  readonly intakeRecords?: number;
  readonly intakeBytes?: number;
  /** Positions of records that are about no row are written alone after so long. */
  readonly idleCookieMs?: number;
  /** How long `run` goes on after its signal, to end the batch under way. */
  readonly stopMs?: number;
  /** How long it waits for what is away before it gives up with that error; null, the default, waits for ever. */
  readonly patienceMs?: number | null;
}

export type LaneActivity = "opening" | "loading" | "waiting" | "stopped";

export interface PartitionStatus extends TopicPartition {
  /** Offset of the next record to be read; what is below has been decoded. */
  readonly read: number;
  /** Offset that the cookie has: what is below has taken effect. */
  readonly applied: number;
  /** As last told by `reachedEnd`; null before. */
  readonly end: number | null;
  /** Of the last record that was read. */
  readonly readTimestampMs: number | null;
}

export interface LaneCounts {
  readonly records: number;
  readonly rows: number;
  readonly batches: number;
  readonly retries: number;
  readonly deadLetters: number;
}

export interface LaneStatus {
  readonly name: string;
  readonly writer: string;
  readonly state: LaneActivity;
  /** What is waited for, or why it stopped; null while all is well. */
  readonly why: string | null;
  /** When the next attempt is, in milliseconds since 1970; null when nothing is waited for. */
  readonly untilMs: number | null;
  readonly partitions: readonly PartitionStatus[];
  readonly counts: LaneCounts;
  /** Records that wait for decoding, and records that wait for others of their transaction or their changed key. */
  readonly waiting: number;
  readonly held: number;
  /** Snapshots of the origin that are coming in, of tables whose vanished rows are reported or swept. */
  readonly openSnapshots?: readonly LaneTable[];
  /** What the last work on each table came to, since the lane was opened. */
  readonly tableWork?: readonly TableWorkReport[];
}
