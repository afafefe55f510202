/** Snapshots: making, storing and fetching them. See `limits.ts`. */
import { KIB, MIB } from "./units.ts";

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
