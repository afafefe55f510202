/** What a Reflector says about itself: its state, and why. The document behind `/status`. */
import type { ErrorCode } from "../core/errors.ts";
import type { Sequence } from "../core/sequence.ts";
import type { LdbSkip } from "../ldb/position.ts";
import type { WalReader } from "../ldb/wal-readers.ts";

export const REFLECTOR_STATES = [
  "starting", // the ledger has not answered yet since the process began
  "bootstrapping", // a snapshot is being fetched, to be the LDB; the ledger goes on from it
  "catching-up", // entries are waiting to be applied
  "current", // at the last poll everything in the ledger had been applied
  "stuck", // something is away or refuses; tried again with growing pauses
  "diverged", // the ledger is not what this LDB must follow; nothing is applied until it is
] as const;

export type ReflectorState = (typeof REFLECTOR_STATES)[number];

/** Why a Reflector is stuck or diverged. */
export interface ReflectorReason {
  readonly code: ErrorCode;
  readonly message: string;
  /** What to do next, for a person. */
  readonly hint?: string;
  /** The ledger entry at fault. */
  readonly sequence?: bigint;
}

/** How far a bootstrap is. */
export interface BootstrapStatus {
  /** Why the LDB has to be replaced. */
  readonly cause: "empty" | "too-old" | "damaged" | "told-to";
  /** `choosing`: asking store and ledger which snapshot fits. `waiting`: for the next attempt. */
  readonly phase: "waiting" | "choosing" | "downloading" | "checking" | "placing";
  /** Of the snapshot that is being fetched; null while none is chosen. */
  readonly sequence: Sequence | null;
  /** Compressed bytes, those of an earlier attempt included. */
  readonly bytes: number;
  readonly totalBytes: number;
  /** Attempts that failed since the LDB had to be replaced. */
  readonly failedAttempts: number;
  /** What the last one failed with. */
  readonly failure: ReflectorReason | null;
}

/** What the changelog of the LDB holds. */
export interface ChangelogStatus {
  /** The newest file; the others are beside it. */
  readonly path: string;
  /** Changes with every break in what is known (16 hex digits): a cursor of another history is of no use. */
  readonly history: string;
  /** The oldest sequence that may be gone on from: all changes after it are in the files. */
  readonly firstSequence: Sequence;
  /** All changes up to here are in the files. */
  readonly sequence: Sequence;
  readonly files: number;
  readonly bytes: number;
}

/** Whether this host may be given work that reads its LDB, and whether its data is fresh (`readiness/`). */
export interface Readiness {
  /** The LDB has caught up once, or holds data that the centre cannot renew just now; kept while it holds data. */
  readonly ready: boolean;
  /** Ready, and the lag is below the threshold. */
  readonly healthy: boolean;
  /** At most so old is the data, in seconds; null when nothing is known. */
  readonly lagSeconds: number | null;
  /** Since when it is ready, in microseconds since 1970; null while it is not. */
  readonly readySinceUs: number | null;
}

/** What the Reflector's parts know by themselves, before it is judged. */
export type ObservedStatus = Omit<ReflectorStatus, "readiness">;

export interface ReflectorStatus {
  readonly state: ReflectorState;
  readonly reason: ReflectorReason | null;
  /** Nothing gets on that should: stuck or diverged, a poll out for too long, a bootstrap that fails again and again. */
  readonly stuck: boolean;
  readonly version: string;
  /** The last ledger entry in the LDB; 0 while it is empty. */
  readonly sequence: Sequence;
  /** The ctldb that the LDB follows (32 hex digits); null until the chain has been seen to fit. */
  readonly epoch: string | null;
  /** The highest sequence seen in the ledger; null while the ledger has not answered. */
  readonly ledgerHeadSequence: Sequence | null;
  /** When the last applied entry was written, in microseconds since 1970; null while the LDB is empty. */
  readonly ledgerTimestampUs: number | null;
  /** Age of the last applied entry in seconds, with microseconds behind the point; null while the LDB is empty. */
  readonly lagSeconds: number | null;
  /** Seconds since all that the ledger had was in the LDB; null when that has not been seen since the LDB was opened. */
  readonly wholeAgeSeconds: number | null;
  /** When the ledger last answered a poll, in microseconds since 1970; null when it has not. */
  readonly lastPollAtUs: number | null;
  /** Seconds since then, by a clock that nobody sets; null when it has not. */
  readonly pollAgeSeconds: number | null;
  readonly schemaVersion: number;
  /** The last entry applied without a hash in the ledger to check it against; 0 for none. */
  readonly unattestedThrough: Sequence;
  /** Old gaps of the original ctlstore that were passed since the process began. */
  readonly legacyGaps: number;
  /** Statements that an operator allowed this LDB to pass over; kept for ever. */
  readonly skips: readonly LdbSkip[];
  readonly readiness: Readiness;
  /** Null while the LDB needs none. */
  readonly bootstrap: BootstrapStatus | null;
  /** Null where none is written, and while no LDB is open. */
  readonly changelog: ChangelogStatus | null;
  readonly ldb: {
    readonly path: string;
    /** Null for an adopted plain file, and while no LDB can be opened. */
    readonly generation: string | null;
    readonly walBytes: number;
    /** The reader that keeps the log from being cut; null while it can be cut (R14). */
    readonly walBlockedBy: WalReader | null;
  };
}
