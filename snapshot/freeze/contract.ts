/** What the freezing child process is told, and what it answers (`freeze.ts` starts it, `freeze-task.ts` is it). */
import type { Compression } from "../layout.ts";

/** Name of the task. */
export const FREEZE_TASK = "freeze-snapshot";

export const FREEZE_PHASES = [
  "checkpoint", // what the write-ahead log holds goes into the database
  "copy", // VACUUM INTO, in one read transaction
  "check", // SQLite's own check of the copy
  "digest", // all rows of the copy are read
  "compress", // and hashed, plain and compressed
] as const;
export type FreezePhase = (typeof FREEZE_PHASES)[number];

export interface FreezeProgress {
  readonly phase: FreezePhase;
  /** Bytes; rows in the phase `digest`. */
  readonly done: number;
  /** Null where it is not known. */
  readonly total: number | null;
}

export interface FreezeInput {
  /** The LDB's database file, with links resolved. */
  readonly databasePath: string;
  /** An empty folder for the files that are made. */
  readonly folder: string;
  readonly compression: Compression;
  readonly compressionLevel: number;
  /** What to make for the original's layout besides. */
  readonly legacy: "gzip" | "plain" | null;
  /** Freezes also an LDB that passed over ledger entries. */
  readonly allowSkips: boolean;
  readonly supervisor: { readonly id: string; readonly version: string };
}

/** A file for the original's layout. */
export interface LegacyFile {
  readonly path: string;
  /** Base64 of the SHA-1 of the plain database, as the original has it. */
  readonly checksum: string;
}

export interface FreezeOutput {
  /** The manifest as it is to be stored. */
  readonly manifest: string;
  readonly dataPath: string;
  readonly legacy: LegacyFile | null;
  readonly seconds: Readonly<Record<FreezePhase, number>>;
}

/** Name of the copy in the folder; its size is how far the phase `copy` is. */
export const PLAIN_FILE_NAME = "plain.db";
