/** What a Reflector can be told, and what it does when it is told nothing. */
import { join, resolve } from "node:path";
import { CHANGELOG_FILE_NAME } from "../core/changelog/format.ts";
import { CHANGELOG_LIMITS, REFLECTOR_LIMITS } from "../core/limits.ts";
import type { TlsFiles } from "../core/process/listen.ts";
import type { OnCrashPoint } from "../ldb/crash-points.ts";
import type { ChangelogSettings } from "./changelog/contract.ts";
import type { ReadinessOptions } from "./readiness/options.ts";

/** In milliseconds. */
export type SilenceLimits = { readonly [Phase in "choosing" | "downloading" | "checking"]: number };

type Pause = { readonly base: number; readonly max: number };

/** Where a Reflector without a usable LDB gets one from. */
export interface BootstrapOptions {
  /** The store of snapshots: `file:///dir` or `s3://bucket/prefix?…`. */
  readonly url: string;
  /** A bootstrap begins after a random part of this time, so that a fleet does not come at once (R28). */
  readonly jitterMs?: number;
  /** Bootstrap once at the start, whatever the LDB is, also to an older sequence that the ledger has (R4). */
  readonly force?: boolean;
  /** Pauses between attempts that found nothing to bootstrap from. */
  readonly backoffMs?: Pause;
  /** How long nothing may move in a phase of an attempt before that is given up. */
  readonly silenceMs?: SilenceLimits;
}

/** The changelog of the LDB: which keys changed, for who keeps copies of rows. */
export interface ChangelogOptions {
  /** The newest file; the others are beside it. Absent: `change.log` in the LDB's folder. */
  readonly path?: string;
  /** The next file is begun once the newest has so many bytes. */
  readonly fileBytes?: number;
  /** Older files kept. */
  readonly files?: number;
}

export interface ReflectorOptions {
  /** The LDB's folder; created when missing. */
  readonly ldbFolder: string;
  /** `host:port` or `unix:PATH` for status and metrics; absent: none. Port 0 takes any free one. */
  readonly bind?: string;
  /** Answers there by HTTPS. */
  readonly tls?: TlsFiles;
  readonly pollIntervalMs?: number;
  readonly pollTimeoutMs?: number;
  /** A poll that is out this long is shown as stuck already. */
  readonly pollStuckMs?: number;
  readonly pollRows?: number;
  readonly pollBytes?: number;
  readonly transactionStatements?: number;
  readonly sliceStatements?: number;
  readonly walCheckpointBytes?: number;
  readonly walCapBytes?: number;
  readonly legacyGapGraceMs?: number;
  readonly backoffMs?: Pause;
  readonly slowBackoffMs?: Pause;
  /** Absent: an LDB is filled from the ledger alone. */
  readonly bootstrap?: BootstrapOptions;
  /** Absent: none is written. */
  readonly changelog?: ChangelogOptions;
  /** When this host is ready, and who hears of it. */
  readonly readiness?: ReadinessOptions;
  /** Where tests end the process. */
  readonly onPoint?: OnCrashPoint;
}

/** Pauses after an entry that cannot be applied: it stays so until a person acts (D10). */
const SLOW_BACKOFF_MS: Pause = { base: 5_000, max: 60_000 };

export type CompleteOptions = ReturnType<typeof withDefaults>;

/** The options with every default filled in. */
export function withDefaults(options: ReflectorOptions) {
  return {
    ...REFLECTOR_LIMITS,
    slowBackoffMs: SLOW_BACKOFF_MS,
    ...definedOnly(options),
    ldbFolder: options.ldbFolder,
    changelog: options.changelog === undefined ? null : changelogSettings(options, options.changelog),
  };
}

function changelogSettings(
  { ldbFolder }: Pick<ReflectorOptions, "ldbFolder">,
  { path, fileBytes, files }: ChangelogOptions,
): ChangelogSettings {
  return {
    path: resolve(path ?? join(ldbFolder, CHANGELOG_FILE_NAME)),
    fileBytes: fileBytes ?? CHANGELOG_LIMITS.fileBytes.default,
    files: files ?? CHANGELOG_LIMITS.files.default,
  };
}

/** Longer than the longest pause in which all is well: between two polls, and for a gap that may still be filled. */
export function idleStuckMsOf(options: CompleteOptions): number {
  const pauseMs = options.pollIntervalMs * (1 + options.pollJitter);
  return pauseMs + options.legacyGapGraceMs + options.pollStuckMs;
}

/** An option given as undefined means its default. */
function definedOnly(options: ReflectorOptions): ReflectorOptions {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as unknown as ReflectorOptions; // The same keys and values, fewer of them.
}
