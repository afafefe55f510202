/**
 * Every limit of the system in one place, each with its reason (I13).
 *
 * A limit that an operator may change is the default of a flag; the others are part of the formats.
 */

const KIB = 1024;
const MIB = 1024 * KIB;

/** Parts of the formats: shared with the original ctlstore, not configurable. */
export const FORMAT_LIMITS = {
  /** The original's `max_table_sizes.family_name` is VARCHAR(30). */
  familyNameChars: { min: 3, max: 30 },
  /** The original's `max_table_sizes.table_name` is VARCHAR(50). */
  tableNameChars: { min: 3, max: 50 },
  /** `family___table` is a table name in MySQL, whose limit this is; checked when a table is created. */
  ldbTableNameChars: 64,
  /** MySQL's limit for a column name. */
  fieldNameChars: { min: 1, max: 64 },
  writerNameChars: { min: 3, max: 50 },
  secretChars: { min: 3, max: 100 },
  /** The cookie moves with every batch; it is an offset, not a store. */
  cookieBytes: 1024,
  /** VARCHAR(191): the longest utf8mb4 string that fits a 767-byte index. Counted in Unicode code points. */
  stringChars: 191,
  textBytes: 512 * KIB,
  binaryBytes: 512 * KIB,
  bytestringBytes: 255,
  /** InnoDB refuses more than 16 columns in one index. */
  keyFields: 16,
  /** InnoDB refuses an index longer than 3072 bytes; checked when a table is created. */
  keyBytes: 3072,
  /** A record must fit MySQL's 65,535-byte row: 80 strings of 191 utf8mb4 characters are 61,280 bytes. */
  fieldsPerTable: 200,
} as const;

/** Defaults of the Executive's flags. */
export const EXECUTIVE_LIMITS = {
  /** As the original: control data is small, and one request holds the ledger lock for all others. */
  requestBytes: 1 * MIB,
  mutationsPerRequest: 100,
  /** MEDIUMTEXT holds 16 MiB; a statement must also fit any client's packet beside its neighbours. */
  statementBytes: 768 * KIB,
  /** Requests that may wait for the ledger lock before new ones are refused with 503. */
  queuedRequests: 10_000,
  queuedBytes: 64 * MIB,
  /** Of these places one writer may have so many: its flood must leave room for others. */
  queuedRequestsPerWriter: 2_500,
  queuedBytesPerWriter: 16 * MIB,
  /** Requests committed in one transaction: bounds how long the lock is held. */
  groupRequests: 256,
  groupBytes: 4 * MIB,
  /** GET /readyz is open to all: the ctldb is asked five times a second at most, and a load balancer sees no older state. */
  readyCacheMs: 200,
} as const;

/** Rates of writes (docs/limits.md); defaults of the Executive's flags. */
export const RATE_LIMITS = {
  /** As the original: control data changes by hand or by trickle. */
  writerRowsPerMinute: 1_000n,
  /**
   * Counts of windows that have ended are kept so long, for whoever looks; then they are deleted, by every Executive now and
   * then: it reads all of them, which takes 30 ms for a thousand writers.
   */
  keepWindows: 60,
  cleanEveryWindows: 10,
  /** Limits changed by somebody else than an Executive of ours, such as the original's, are seen after so long. */
  policyAgeMs: 1_000,
  /**
   * Who has used up a window is refused for so long without asking the ctldb: a flood must not take the ledger lock's time
   * from others. A limit that was raised meanwhile is seen then.
   */
  spentMs: 250,
  /** Writers of which the log says in a window that they were refused. */
  loggedPerWindow: 20,
} as const;

/** Sizes of tables; defaults of the Executive's flags. */
export const TABLE_SIZE_LIMITS = {
  /** As the original. A table of 100 MiB takes each host a second of a snapshot's download. */
  warnBytes: 50 * MIB,
  maxBytes: 100 * MIB,
  /** InnoDB's own figures lag by ten seconds; a quarter of the minute in which a figure must be right. */
  measureIntervalMs: 15_000,
  /** A webhook that does not answer is tried again, with pauses, and then given up: the log and the metric remain. */
  webhook: { timeoutMs: 10_000, attempts: 5, backoffMs: { base: 1_000, max: 60_000 }, queued: 1_000 },
} as const;

/** Measuring tables and telling of those that are too large. */
export const SIZE_WATCH_LIMITS = {
  /**
   * A figure that could not be renewed for so long refuses nothing any more: rows may have been deleted since, and a limit
   * that guards hosts against slow growth must not stop writers over a fault of its own measuring.
   */
  staleMs: 600_000,
  /** Writes of this many bytes are reason to measure before the interval is over: a tenth of the default hard limit. */
  earlyBytes: 10 * MIB,
  /** But no sooner than this after the last round. */
  earliestMs: 1_000,
  /** A round that took long is followed by a pause so many times as long: measuring is never all that is done. */
  pausePerRound: 3,
  /** A table counts as back below a limit at this part of it, in percent: one at its limit must not call all the time. */
  recoveredPercent: 95n,
  /** InnoDB frees the pages of deleted rows in the background: a table that changed is counted again for so long. */
  settleSeconds: 30,
  /** A table of which the server does not know when it was changed last is counted so often. */
  unknownChangeSeconds: 300,
  /** Tables whose statistics one statement renews: a few milliseconds each. */
  tablesPerAnalyze: 20,
  /** Pages of SQLite looked at before the event loop gets a turn, if there is time left to look at so many. */
  slicePages: 64,
  sliceMs: 4,
  /**
   * Entries of the ledger searched for a drop of a full table since it was measured, while the ledger lock is held: a tenth
   * of a second. With more it is not known, and nothing is refused until the next round.
   */
  searchedEntries: 200_000n,
  /** Tables that the metrics name: a series each, and nobody looks at more. */
  shownTables: 100,
} as const;

/** Bounds of a schema; defaults of the Executive's flags. */
export const SCHEMA_LIMITS = {
  /** Every table is a file and a cached definition on each host, and a statement in each reader. */
  tablesPerFamily: 500,
  /** The most that a row of MySQL can hold; see FORMAT_LIMITS. */
  fieldsPerTable: FORMAT_LIMITS.fieldsPerTable,
} as const;

/** What a preview of a change of tables may cost. */
export const PREVIEW_LIMITS = {
  /** Counting rows and asking the database, for all tables together: what is not counted by then is estimated. */
  lookMs: 5_000,
  /** The newest entries of the ledger, in which writers are looked for: there is no index, and it may be endless. */
  ledgerEntries: 100_000,
  /** Rows and entries of one step: tens of milliseconds, after which others have their turn (R21). */
  stepRows: 20_000,
  /** Tables that are looked at and shown: more than a family has. */
  tables: 1_000,
  /** Conflicts that are told: a body of a megabyte may hold tens of thousands. */
  conflicts: 100,
} as const;

/** Operators, writers' credentials and the audit trail. */
export const ACCESS_LIMITS = {
  operatorNameChars: { min: 3, max: 50 },
  operators: 1_000,
  /** Revoked tokens and secrets are refused everywhere after so long; what is known is used meanwhile. */
  cacheMs: 500,
  /** A name or a secret that was refused is looked up again after so long: floods must not reach the ctldb. */
  refusedCacheMs: 200,
  /** Writers kept in memory; the longest unused goes. */
  cachedWriters: 10_000,
  /** How long the old secret stays valid after a rotation: a deployment of a fleet takes a day at most. */
  secretOverlapSeconds: { default: 24 * 3_600, min: 0, max: 365 * 24 * 3_600 },
  grantsPerWriter: 1_000,
  readersPerTable: 1_000,
  contactChars: 191,
  /** Entries kept; operators act by the dozen a day. */
  auditEntries: 1_000_000,
  auditPage: { default: 100, max: 1_000 },
  /** A line of the log about wrong credentials, for each kind of them, whatever the number of requests. */
  refusalsLoggedEveryMs: 10_000,
} as const;

/** Pages of a table's rows, as the Executive gives them. */
export const ROWS_LIMITS = {
  /** A page of short keys takes milliseconds of the ctldb; the rest of a page's time is JSON. */
  perPage: { default: 1_000, max: 10_000 },
  /** The page ends with the row that goes beyond, which is no longer than a statement: the answer stays below 8 MiB. */
  pageBytes: 4 * MIB,
} as const;

/** Time limits towards the central database. */
export const CTLDB_TIMEOUTS = {
  /** A black hole must not hold a request for ever. */
  connectMs: 5_000,
  /** One round trip; group commits of 4 MiB finish within a second on a healthy server. */
  queryMs: 20_000,
  /** How long one Executive waits for the ledger lock while others commit. */
  lockWaitSeconds: 10,
  /** DDL on a table at its hard size limit (100 MiB) rebuilds it: minutes on a slow disk. Clearing a family is as long. */
  ddlMs: 600_000,
  /** How long a living process may go on changing tables under a ledger lock that it has lost. */
  schemaLockGraceSeconds: 5,
  /** How long an ambiguous COMMIT is chased before the writer is told that the outcome is unknown. */
  resolveCommitMs: 5_000,
  /** How long a second start waits for the first one's set-up of the tables. */
  setupWaitSeconds: 60,
  /** After this long without a word from us the server ends the session, and with it a ledger lock of a dead host. */
  sessionIdleSeconds: 60,
} as const;

/** How often an Executive asks for a ctldb that is away, and what it says of that (R47). */
export const CTLDB_CONNECTS = {
  /** Pauses between attempts: the longest is about what the first write after an outage waits for. */
  pauseMs: { base: 100, max: 1_500 },
  /** Up to here requests wait for the next attempt, so that nobody notices a short outage; then they are answered at once. */
  shortOutageMs: 2_000,
  /** After so many sessions in a row that broke soon, each by itself no failure, there is a pause before the next. */
  shortLifeMs: 2_000,
  shortLives: 3,
  flappingPauseMs: 500,
  /** One line in the log per outage, and one more each time that it has lasted so much longer. */
  logIntervalMs: 60_000,
} as const;

/** All of them, with other values where a caller wants them. */
export type CtlDbTimeouts = { readonly [Name in keyof typeof CTLDB_TIMEOUTS]: number };

/** Bounds of the Reflector. */
export const REFLECTOR_LIMITS = {
  pollIntervalMs: 1_000,
  /** Spread of the interval, so that a fleet does not poll in step. */
  pollJitter: 0.25,
  /** Rows asked for in one poll; adapted to the bytes that the last ones had. */
  pollRows: 10_000,
  pollBytes: 8 * MIB,
  /** Statements per SQLite transaction: beyond a thousand, larger ones gain nothing. */
  transactionStatements: 2_000,
  /** Statements applied before the event loop gets a turn, so that health answers (R21). */
  sliceStatements: 500,
  /** WAL size at which a checkpoint is tried, and at which it insists. */
  walCheckpointBytes: 4 * MIB,
  walCapBytes: 64 * MIB,
  backoffMs: { base: 500, max: 30_000 },
  /** A gap in a ledger written by the original may be a commit in flight: wait this long (D8). */
  legacyGapGraceMs: 10_000,
  /** A poll that takes longer is given up: a half-open connection must not look like a quiet ledger (R20). */
  pollTimeoutMs: 30_000,
  /** A poll that has been out this long is shown as stuck already. */
  pollStuckMs: 5_000,
  /** Bytes of statements applied before the event loop gets a turn. */
  sliceBytes: 1 * MIB,
  /**
   * How long an insisting checkpoint waits for readers, and how often it insists. Applying stands still meanwhile; a
   * snapshot in the making is a reader that it waits for in vain.
   */
  walInsist: { waitMs: 25, everyMs: 1_000 },
} as const;

export const READER_LIMITS = {
  /** Prepared statements kept per reader. */
  cachedStatements: 512,
  /** Keys of one call; more is a scan, not a lookup. */
  keysPerCall: 10_000,
  /** Rows of one prefix read, which come all at once. */
  prefixRows: 1_000_000,
  /** SQLite's page cache per reader: the index pages of a table of 100 MiB; SQLite's own 2 MiB halve the speed. */
  cacheBytes: 16 * MIB,
  /** How long SQLite waits for a lock, which a reader meets only while a writer recovers after a crash. */
  busyTimeoutMs: 2_000,
  /** How often the path is looked at for a file that somebody replaced by hand. */
  fileCheckIntervalMs: 100,
} as const;

/** Bounds of a comparison of an LDB with the ctldb. */
export const VERIFY_LIMITS = {
  /** Rows that changed while they were looked at are looked at again for so long. */
  timeoutSeconds: 30,
  /** Pause before they are: a Reflector polls every second. */
  pauseMs: 500,
  /** A view pins the LDB's write-ahead log and MySQL's undo log: after this long a new one is taken. */
  viewMs: 10_000,
  /** Ledger entries by which the LDB may be behind; their keys are kept in memory. */
  behindEntries: 100_000,
  /** Differing rows shown of one table. */
  shownDifferences: 10,
  /** A sign of life for whoever waits. */
  progressMs: 5_000,
} as const;

/** When a host counts as caught up, and how often others are told. */
export const READINESS_LIMITS = {
  /** A host that is a minute behind has missed no more than one that was restarted. */
  lagSeconds: 60,
  /** The threshold is never below so many poll intervals: between two polls nothing can be known. */
  pollIntervals: 3,
  /** Three tries to reach the ctldb; then a host with data serves it, however old. */
  withoutCtldbSeconds: 30,
  /** A host that was too far behind is healthy again at this part of the threshold, so that it does not flicker. */
  recoveredPart: 0.5,
  lookIntervalMs: 1_000,
  /** Texts for a person: often enough to watch, too rare to fill the journal. */
  statusTextIntervalMs: 5_000,
  /** How long systemd is asked to wait for more, and how often: a stopped event loop is still found out. */
  extendStart: { byMs: 60_000, everyMs: 10_000 },
  /** Beyond its own longest pause and time limit, a loop that shows no sign of life for so long hangs. */
  hungAfterMs: 60_000,
  ecs: {
    agentTimeoutMs: 3_000,
    connectTimeoutMs: 3_000,
    requestTimeoutMs: 10_000,
    /** All of it, looking for credentials included, for which the SDK has no limit that we could set. */
    totalTimeoutMs: 30_000,
    /** ECS allows few calls a second for a whole cluster: a fleet that changes together must spread. */
    backoffMs: { base: 1_000, max: 60_000 },
  },
} as const;

/** Bounds of an LDB's folder. */
export const LDB_LIMITS = {
  /**
   * Replaced generations that somebody holds: readers go to the successor at their next read, so who still holds one
   * after an hour is idle or stopped. Each may be as large as the LDB.
   */
  oldGenerations: { keepMs: 3_600_000, most: 3 },
} as const;

/** Bounds of making, publishing and keeping snapshots. */
export const SNAPSHOT_LIMITS = {
  intervalMs: { default: 5 * 60_000, min: 1_000, max: 7 * 24 * 3_600_000 },
  /** Spread of the interval, so that two Supervisors of one store do not freeze in step. */
  intervalJitter: 0.1,
  /** What an LDB in no state to be published is looked at again after: nothing is read but memory. */
  recheckMs: 1_000,
  /** A run for one snapshot looks so often whether the LDB is current, and bears a Reflector in trouble so long. */
  onceLookMs: 200,
  onceTroubleMs: 30_000,
  /** Failures of the store or the disk; also bounded by the interval. */
  backoffMs: { base: 2_000, max: 60_000 },
  /** Two hours at the default interval; more than one for whoever must go back. */
  keep: { default: 24, min: 1, max: 1_000 },
  /** A slow host may be fetching an older one; a person who comes in the morning finds yesterday's. */
  keepForMs: { default: 24 * 3_600_000, min: 0, max: 365 * 24 * 3_600_000 },
  /** Snapshots that the index names; it stays below what one document may be. */
  indexEntries: 1_000,
  /**
   * An object that no index names may be of a publication under way: it stays at least so long. S3 counts the age of a
   * large object from the start of its upload.
   */
  orphanGraceMs: 24 * 3_600_000,
  /** A publication that has taken longer gives up: half of the grace above, so that nothing of it can be gone yet. */
  publicationMs: 12 * 3_600_000,
  /** Unfinished uploads that are older belong to nobody. */
  unfinishedUploadMs: 24 * 3_600_000,
  /** Races for the index lost to other Supervisors in one publication; each of them published something. */
  indexRounds: 20,
  /** zstd's own default; gzip's. */
  compressionLevels: { zstd: { default: 3, min: 1, max: 19 }, gzip: { default: 6, min: 1, max: 9 } },
  /** Left free on the disk beside what a snapshot may need: the LDB goes on growing meanwhile. */
  spareDiskBytes: 64 * MIB,
  /** Signs of life of a phase. */
  progressIntervalMs: 250,
} as const;

/** Fetching a snapshot, and when a Reflector does. */
export const BOOTSTRAP_LIMITS = {
  /** A fleet that restarts together must not come to the store and the ctldb in the same second (R28). */
  jitterMs: { default: 5_000, min: 0, max: 3_600_000 },
  /** Pauses after an attempt that found nothing to bootstrap from: a Supervisor publishes every few minutes. */
  backoffMs: { base: 5_000, max: 60_000 },
  /**
   * An empty LDB waits so long for a store that is in trouble, as just after a boot, before it is filled from the ledger's
   * beginning: else a fleet would read all of that at once (R28), and each host would take hours in place of a minute.
   */
  storePatience: { attempts: 3, ms: 60_000 },
  /** Failures in a row, without a byte between them, before a download counts as failed. What came is kept. */
  downloadAttempts: 8,
  downloadBackoffMs: { base: 250, max: 10_000 },
  /** Compressed bytes on their way from the store to the disk: hides the latency of one from the other. */
  readAheadBytes: 16 * MIB,
  /** What is handed on at a time; below a hundred KiB the calls cost more than the work. */
  chunkBytes: 256 * KIB,
  /** The disk is asked to write after so many bytes, in the background: not all is left for the end. */
  syncEveryBytes: 64 * MIB,
  /** Left free on the disk beside what the snapshot needs: the write-ahead log goes on growing meanwhile. */
  spareDiskBytes: 32 * MIB,
  /**
   * How long nothing may move while a child asks the store, downloads, or checks what came, before it is ended: the ledger
   * is not followed meanwhile. Longer than the child's own attempts take, which fail by themselves as a rule. A check says
   * nothing until it ends: SQLite reads 100 GB at 30 MB/s in an hour.
   */
  silenceMs: { choosing: 120_000, downloading: 900_000, checking: 2 * 3_600_000 },
  /** How long a child waits for one of a Reflector that was killed, which notices within a moment. */
  lockWaitMs: 30_000,
  /** Rounds of choosing again at once, when the ledger was pruned past a snapshot while that was fetched (R27). */
  rounds: 3,
  /** A snapshot that was found damaged is not fetched again for so long: newer ones come meanwhile. */
  badSnapshotMs: 600_000,
  /** Signs of life: to the status, and to the log. */
  progressIntervalMs: 250,
  logIntervalMs: 5_000,
} as const;

/** Stores of snapshots. */
export const STORE_LIMITS = {
  /** S3 takes keys of 1,024 bytes, the store's prefix included. */
  keyChars: 512,
  /** File systems take names of 255 bytes. */
  keyPartChars: 200,
  /** An index with a thousand entries has half a MiB. */
  documentBytes: 4 * MIB,
  /** What is read or written of a file at a time: beyond it nothing gets faster. */
  fileChunkBytes: 1 * MIB,
  /** A conditional write to a folder takes milliseconds; a lock that stays is held by a stopped process. */
  fileLockWaitMs: 15_000,
} as const;

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

/** Time limits and sizes towards S3. */
export const S3_LIMITS = {
  connectMs: 5_000,
  /** To the first byte of an answer. S3 answers within a second, also to the end of a large upload, or says 503. */
  answerMs: 15_000,
  /** A download in which nothing has come for so long is given up; it goes on from there when it is asked again. */
  stallMs: 30_000,
  /**
   * The slowest upload that is waited for, all parts on their way together: 1 GB takes at most an hour, and a black hole
   * in the middle of a part is found out after two minutes.
   */
  slowestUploadBytesPerSecond: 256 * KIB,
  /** To find credentials: the services of a host or a container that are asked for them answer within a second. */
  credentialsMs: 10_000,
  /** To tell S3 that a failed upload's parts may go; what hears nothing is told again a day later. A stop waits for it. */
  cleanUpMs: 5_000,
  /**
   * The body of a part is copied on its way, and Bun frees late: an upload takes up to 230 MB, with larger parts or more
   * at once 350, and is no faster. S3 takes no smaller ones. Parts grow beyond 48 GiB.
   */
  parts: { bytes: 5 * MIB, atOnce: 2, most: 10_000 },
  /** Attempts of the SDK at a request that may be repeated blindly. */
  attempts: 3,
  /** Attempts at a conditional write, whose outcome is looked at between them. */
  conditionalAttempts: 4,
  conditionalBackoffMs: { base: 100, max: 2_000 },
  /** Keys in one answer to a listing, and in one request to delete: S3's own bound. */
  keysPerRequest: 1_000,
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

/** Bounds of whatever listens, against clients that are slow, huge or many; see also `EXECUTIVE_LIMITS`. */
export const LISTEN_LIMITS = {
  /** A certificate that was replaced is in use after so long; three calls of stat per look. */
  certificateLookMs: 5_000,
  /** Let's Encrypt's automatic renewal has tried for two weeks by then. */
  certificateWarnDays: 14,
  /** A handshake is two round trips; also what a connection without a word is borne for. */
  handshakeMs: 10_000,
  /** How long a client may take nothing of the last bytes, or not its leave, once we have closed. */
  lingerMs: 5_000,
  /** A connection with TLS costs three files and some 30 KiB; systemd and Docker allow half a million files. */
  connections: 10_000,
  /** Files that a service has open besides: the ctldb's connections, an embedded one's files, the log. */
  otherFiles: 256,
  /**
   * Silence on a connection, the time for the head of its next request, and that for an answer to be taken; counted in
   * steps of four seconds. Longer than the minute after which load balancers close idle connections: whoever sends must
   * close first, or its next request is lost. The head of a first request has ten seconds, which is Bun's own limit.
   */
  idleSeconds: 76,
  /** Requests under way: more than may wait for the ledger lock, where limits are fairer, since they are per writer. */
  requests: 12_000,
  /** Bodies that are being read, all together: a slow body must not cost more than the bytes that came. */
  bodiesBytes: 256 * MIB,
  /** Smaller ones of a declared length are read in one go, uncounted: for all requests together 188 MiB. */
  uncountedBodyBytes: 16 * KIB,
  /** From a request's head to the end of its body: 1 MiB over a line of 300 kbit/s. */
  requestMs: { default: 30_000, min: 100, max: 240_000 },
} as const;
