/** A host: Reflector, LDB, readers, and comparing. See `limits.ts`. */
import { KIB, MIB } from "./units.ts";

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

/** Bounds of whoever follows the changelog of an LDB. */
export const CHANGES_LIMITS = {
  /** A look costs 18 µs: fifty a second are a thousandth of a core, and a change is seen at once by human measure. */
  pollIntervalMs: 20,
  /** Read at once, some hundred lines: the event loop gets a turn after each. */
  readBytes: 64 * KIB,
  /**
   * A line is a key of at most 3,072 bytes, six times as long where each is escaped, and the names around it. What is
   * longer is no changelog, and would be gathered in memory without end.
   */
  lineBytes: 256 * KIB,
  /** Between two files the newest one is missing for a moment; every look in this time finds none only where there is none. */
  vanishedMs: 500,
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
  /** Two LDBs are given so long to come to one sequence: heartbeats move them every five seconds, polls follow in one. */
  pairSeconds: 5,
  /** Pause between two looks at where they are. */
  pairPauseMs: 100,
} as const;
