/** The loader and what it reads. See `limits.ts`. */
import { KIB, MIB } from "./units.ts";

/** Reading Kafka. */
export const KAFKA_LIMITS = {
  /** To the first answer of any broker, and of one broker to a question. */
  connectMs: 10_000,
  answerMs: 10_000,
  /** How often a client that is still connecting is asked for what it has heard. */
  serveMs: 100,
  /** And one that only answers questions: a millisecond each time. */
  questionsPerServe: 20,
  /**
   * Records fetched ahead, in kilobytes: some seconds of what one writer can load. librdkafka takes 64 MiB, and fetches of
   * 50 MiB on top.
   */
  prefetchKilobytes: 16_384,
  fetchBytes: 8 * MIB,
  /** A full queue is looked at again after so long; librdkafka waits a second, which halves the speed of small queues. */
  refetchMs: 10,
  /** A killed instance counts as one of the group for so long, and its partitions wait. Brokers refuse less than 6 s. */
  sessionTimeoutMs: 10_000,
  /** A dead letter that no broker took within this time is given up; the loader stays where it is. */
  deliveryTimeoutMs: 30_000,
  /** A dead letter's record at most: more than any topic takes. */
  producedBytes: 256 * MIB,
  /** Handed out by one call: enough to be fast, and no more memory than one prefetch. */
  batch: { records: 2_000, firstRecords: 100, bytes: 8 * MIB },
  /** To leave the group and end; brokers that do not answer find out by themselves. */
  closeMs: 5_000,
  /**
   * A partition that nothing came from for so long is asked whether it still holds the next record; one at a time, at most
   * one in the interval, however many there are.
   */
  quietMs: 5_000,
  quietIntervalMs: 1_000,
  /** Troubles kept until somebody takes them. */
  troubles: 20,
} as const;

/** Bounds of the loader's mapping. */
export const MAPPING_LIMITS = {
  /** Ten thousand tables with a few renamed fields each. */
  fileBytes: 4 * MIB,
  /** The form has five levels; an editor's file has no more. */
  fileDepth: 20,
  /** Forms of a table's events (column lists, schemas) whose conversions are kept; one changes with the origin's table. */
  compiledForms: 64,
  /** Rounds of reading and changing a table's fields that others change too. */
  schemaRounds: 5,
  /** How long one request for a schema may take. */
  requestTimeoutMs: 30_000,
  /** Lines of a sample file that `loader check` looks at. */
  sampleLines: 10_000,
  /** Envelopes with schemas have a dozen levels, JSON columns are text. */
  sampleDepth: 200,
} as const;

/** The loader as a service: which lanes it has, and what it tells about them. What a lane may hold is the lane's. */
export const LOADER_LIMITS = {
  /** How long one look for records waits: a stop, a lane that is ready and a full one that is not are seen after it. */
  fetchWaitMs: 100,
  /** The same while lanes are full, which are looked at again then: they have batches for some time, but must not run dry. */
  fullWaitMs: 5,
  /**
   * As long as all lanes are full nothing is fetched, up to this time: the group must be heard. Beyond it they are slow, and
   * their partitions are paused.
   */
  fullPatienceMs: 1_000,
  /**
   * A lane that is so many times full while others are not has its partitions paused, until it is down to the lower part:
   * what was fetched ahead of a paused partition is thrown away, and fetched again.
   */
  overfull: { pause: 3, resume: 0.5 },
  /** Where what waits in all lanes would fill so many, any full one is paused: 256 MiB at most wait in memory. */
  fullLanes: 64,
  /** After a look that came back at once with nothing, as of a consumer without partitions: no hot loop. */
  idleMs: 20,
  /** Cookies read at the same time when many lanes begin: an Executive answers each in a millisecond. */
  lanesOpenedAtOnce: 8,
  /** Whatever is away is asked again after so long. */
  backoffMs: { base: 200, max: 10_000 },
  /** After somebody else moved a lane's cookie: long enough to hear from the group that the lane is his. */
  conflictBackoffMs: { base: 250, max: 10_000 },
  /**
   * Conflicts about a lane that is ours by the group. In a row without a batch of our own: by then the group has settled who the
   * owner is, several times over. Within ten minutes: more than a fleet that restarts again and again would make.
   */
  conflicts: { inARow: 8, inWindow: 20, windowMs: 600_000 },
  /** A run that ends by itself does not wait longer for what is away: its caller wants an exit code. */
  oncePatienceMs: 60_000,
  /** Topics and their partitions are looked at so often: partitions are added by hand. */
  topicsIntervalMs: 30_000,
  /** Ends of partitions, for the lag: one small request per partition. */
  watermarksIntervalMs: {
    least: 5_000,
    /** So many times as long as the last look took: thousands of partitions must not cost a quarter of a processor. */
    times: 9,
    most: 60_000,
  },
  /** Those asked for at the same time. */
  watermarksAtOnce: 4,
  /** Kafka's own idea of how far we are, which is for its tools alone. */
  commitIntervalMs: 5_000,
  /** One of so many tells it of all partitions, the others of those that have moved. */
  commitsPerWhole: 12,
  /** A line for people while the loader is behind. */
  progressIntervalMs: 10_000,
  /** The rate in the status is over the last ten seconds. */
  rate: { sampleMs: 1_000, samples: 10 },
  /** Times of events kept per partition to tell how old the oldest is that has not been applied; beyond it every second goes. */
  lagSamples: 256,
} as const;

/** Bounds of a lane of the loader: what it holds, and how long it waits. The first ones are defaults of flags. */
export const LANE_LIMITS = {
  /** What an Executive takes unless told otherwise. */
  batchRows: 100,
  /** Below the Executive's body of 1 MiB: escapes in texts are not counted. A batch that is refused as too large is halved. */
  batchBytes: 768 * KIB,
  /** Batches that are refused as too large make the next ones smaller, down to this: one with long texts says little of others. */
  leastBatchBytes: 128 * KIB,
  /** Batches that took effect before larger ones are tried again: one in a hundred is refused where the limit stays. */
  widenAfterBatches: 100,
  /** A round trip takes a few milliseconds: waiting longer than some of them fills no batch better. */
  lingerMs: 20,
  /** And how much longer while records that may fill it are in memory already: other lanes are being decoded before them. */
  fillMs: 250,
  /** Positions of records that are about no row need no request each; a restart reads so much again, and changes nothing. */
  idleCookieMs: 5_000,
  idleCookieRecords: 10_000,
  /** Longer than one attempt at a healthy Executive takes, shorter than what ends a process that was told to stop. */
  stopMs: 8_000,
  /** Records of a batch whose repeats are folded: what is sent again, one by one, when one of them is refused. */
  recordsPerBatch: 1_000,
  /** Fills several batches, so that fetching and writing overlap; `fullLanes` above bounds them together. */
  intakeRecords: 2_000,
  intakeBytes: 4 * MIB,
  /** Decoding and mapping go on for so long before the event loop gets a turn, so that health answers (R21). */
  sliceMs: 10,
  /** Attempts to make the tables fit one event: others may change them too. */
  schemaRounds: 5,
  /** How often a unit maker is asked for what has waited too long. */
  tickMs: 250,
  /** The Executive or the topic of dead letters is away. */
  backoffMs: { base: 100, max: 10_000 },
  requestTimeoutMs: 30_000,
  /** Whoever asks for more is asked again all the same; timers end at once beyond 24 days. */
  longestWaitMs: 3_600_000,
  /**
   * A delete whose row comes again under a new key waits for that: the two are neighbours in the origin's binlog. At the
   * partition's end it may never come, as when that key is in another partition.
   */
  newKeyMs: 5_000,
  newKeyAnywayMs: 60_000,
  /** Of the cookie, per partition: an offset has at most 53 bits, and a snapshot is not longer than 2^33 events. */
  cookieOffsetBytes: 8,
  cookieSnapshotBytes: 5,
  /** Of the writer's name, so that a lane's topic is told from it: the rest of 50 characters is for that. */
  writerPrefixChars: 20,
} as const;

/** Bounds of values in change events, far above what an origin can hold: they keep a crafted event from costing minutes. */
export const VALUE_LIMITS = {
  /** MySQL's DECIMAL has 65 digits. Turning n digits into a number takes n² steps. */
  decimalDigits: 1_000,
  /** MySQL's JSON goes 100 levels deep. */
  documentDepth: 100,
} as const;

/** Reading change events. */
export const EVENT_LIMITS = {
  /** Schemas, and topics with schemas, that are remembered; an origin has as many tables, and versions of them. */
  knownSchemas: 2_000,
  /** Records of one topic begin alike; while a table is altered, in two ways; with two workers of Kafka Connect, in four. */
  prefixesPerTopic: 4,
  /** Places in a record that may be the beginning of its payload: a default value may look like one. */
  prefixTries: 8,
  /** Debezium's own schemas are five levels deep; an array of structs adds two. */
  schemaDepth: 32,
} as const;

/** The watch over snapshots of the origin, and work on whole tables. */
export const SNAPSHOT_WATCH_LIMITS = {
  /** Marks of one snapshot: 128 MiB. A table of control data has far fewer rows. */
  keys: 5_000_000,
  /** How long a producer may still be trying to deliver the last rows to another partition; brokers restart faster. */
  graceMs: 60_000,
  /** Keys of vanished rows that are named in the log. */
  namedKeys: 5,
  /** Rows asked for at once. */
  pageRows: 5_000,
  /** Deletes per batch; what an Executive takes unless told otherwise. */
  batchRows: 100,
  /**
   * A snapshot that lacks a larger part of a table's rows is more likely to be half a snapshot than a true picture, and what is
   * swept is gone from every host within seconds. A few rows of a small table may go whatever part they are.
   */
  sweep: { atMostPercent: 50, freeRows: 10 },
  /** The Executive is away, or busy. */
  backoffMs: { base: 200, max: 10_000 },
  requestTimeoutMs: 30_000,
} as const;

/** Transactions of the origin that are put together again. */
export const TRANSACTION_LIMITS = {
  /** How long the rest of a transaction is waited for when nothing else is to be read. */
  waitMs: 60_000,
  /** A transaction with more is let through in parts; the records of all that wait are bounded by twice that. */
  records: 100_000,
  bytes: 64 * MIB,
  /** Transactions that went lately are known by name: what a connector sends again after its restart is few of them. */
  gone: 100_000,
  /** Of what comes again the rest may never come: nothing is lost by not waiting for it. */
  repeatWaitMs: 5_000,
} as const;
