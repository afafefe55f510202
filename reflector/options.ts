/** What a Reflector can be told, and what it does when it is told nothing. */
import { REFLECTOR_LIMITS } from "../core/limits.ts";
import type { OnCrashPoint } from "../ldb/crash-points.ts";

type Pause = { readonly base: number; readonly max: number };

export interface ReflectorOptions {
  /** The LDB's folder; created when missing. */
  readonly ldbFolder: string;
  /** `host:port` for status and metrics; absent: none. Port 0 takes any free one. */
  readonly bind?: string;
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
  /** Where tests end the process. */
  readonly onPoint?: OnCrashPoint;
}

/** Pauses after an entry that cannot be applied: it stays so until a person acts (D10). */
const SLOW_BACKOFF_MS: Pause = { base: 5_000, max: 60_000 };

/** The options with every default filled in. */
export function withDefaults(options: ReflectorOptions) {
  return {
    ...REFLECTOR_LIMITS,
    slowBackoffMs: SLOW_BACKOFF_MS,
    ...definedOnly(options),
    ldbFolder: options.ldbFolder,
  };
}

/** An option given as undefined means its default. */
function definedOnly(options: ReflectorOptions): ReflectorOptions {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as unknown as ReflectorOptions; // The same keys and values, fewer of them.
}
