/** The Executive: requests, rates, sizes, schema, accounts; and whatever listens. See `limits.ts`. */
import { FORMAT_LIMITS } from "./formats.ts";
import { KIB, MIB } from "./units.ts";

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

/** Whether the ctldb is there, for the metrics. */
export const CTLDB_WATCH_LIMITS = {
  /** Twice in the shortest interval at which Prometheus asks. */
  lookMs: 5_000,
  /** Without an answer for so long it counts as away. */
  silentMs: 5_000,
} as const;

/** Pages of a table's rows, as the Executive gives them. */
export const ROWS_LIMITS = {
  /** A page of short keys takes milliseconds of the ctldb; the rest of a page's time is JSON. */
  perPage: { default: 1_000, max: 10_000 },
  /** The page ends with the row that goes beyond, which is no longer than a statement: the answer stays below 8 MiB. */
  pageBytes: 4 * MIB,
} as const;

/** What looking at rows and at the ledger may cost; the Executive answers it beside the writes. */
export const INSPECTION_LIMITS = {
  entriesPerPage: { default: 100, max: 1_000 },
  changesPerPage: { default: 50, max: 500 },
  /** Characters of a statement that are shown: ten times an ordinary one. */
  shownChars: 2_000,
  /** Statements up to here come with the entries of a search; longer ones, which are rare, one by one. */
  searchedChars: 8_000,
  /** A page ends with the entry or change that goes beyond, which is no longer than a statement. */
  pageChars: 2 * MIB,
  /**
   * Entries of one step: ordinary ones take a millisecond a thousand, and statements of half a megabyte, on a disk, as much as
   * ten each. So a search begins with few, and each step is as long as the one before says that it may be: with SQLite
   * nothing else runs meanwhile (R21).
   */
  stepEntries: { first: 100, min: 10, max: 2_000 },
  stepMs: 25,
  /** Entries found that one step hands over: with those of `searchedChars` 4 MiB at most. */
  stepFound: 250,
  /** There is no index on a table's entries, and the ledger may be endless: what is not found by then is for the next request. */
  searchEntries: 1_000_000,
  searchMs: 2_000,
  /** Entries after one among which the end of its batch is looked for. */
  batchEntries: 10_000,
  /** Shorter than any timeout on the way (`LISTEN_LIMITS.idleSeconds`, load balancers' minute). */
  waitSeconds: { default: 0, max: 30 },
  /** Requests that wait for an entry; each holds a connection and some kilobytes. */
  waiters: 1_000,
  /** While somebody waits, the ctldb is asked so often, for all of them together. */
  watchMs: 250,
  /** So many of them are woken, each to read the ledger: a fifth of what the ctldb reads at ease. */
  wakesPerSecond: 500,
  /** Answers that were made and not sent yet, of all such routes together: eight of the largest, or thousands of ordinary ones. */
  answersBytes: 64 * MIB,
  /** Smaller ones are not counted: for all requests together 188 MiB. */
  uncountedAnswerBytes: 16 * KIB,
  /** What a connection is given at a time of a counted one. */
  answerPieceBytes: 64 * KIB,
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
