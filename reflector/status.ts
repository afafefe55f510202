/** Makes the status document out of what the Reflector's parts know at this moment. It must never throw (R46). */
import type { Clock } from "../core/process/clock.ts";
import { SEQUENCE_ZERO } from "../core/sequence.ts";
import type { LdbPosition, LdbSkip } from "../ldb/position.ts";
import type { LdbWriter } from "./ldb-writer.ts";
import type { LedgerFetcher } from "./ledger-fetcher.ts";
import type { LedgerFollower } from "./ledger-follower.ts";
import type { BootstrapStatus, ObservedStatus, ReflectorReason, ReflectorState } from "./state.ts";

/** What is known of the LDB that was open last. */
export interface KnownLdb {
  readonly position: LdbPosition;
  readonly skips: readonly LdbSkip[];
}

export interface StatusParts {
  /** Null while no LDB is open. */
  readonly follower: LedgerFollower | null;
  readonly lastKnown: KnownLdb | null;
  readonly ldbPath: string;
  readonly bootstrap: BootstrapStatus | null;
  /** Why an LDB that was just placed is not open yet. */
  readonly cannotOpen: ReflectorReason | null;
  readonly fetcher: LedgerFetcher;
  readonly clock: Clock;
  readonly legacyGaps: number;
}

export interface StatusOptions {
  readonly version: string;
  /** A poll that is out so long is shown as stuck. */
  readonly pollStuckMs: number;
  /** So is a loop that has got nowhere for so long. */
  readonly idleStuckMs: number;
}

interface Shown {
  readonly state: ReflectorState;
  readonly reason: ReflectorReason | null;
}

export function describeReflector(parts: StatusParts, options: StatusOptions): ObservedStatus {
  const { follower, lastKnown, clock } = parts;
  const position = follower?.writer.position ?? lastKnown?.position ?? null;
  const ledgerTimestampUs = position?.ledgerTimestampUs || null;
  const shown = stateOf(parts, options);
  return {
    ...shown,
    stuck: isStuck(shown.state, parts, options),
    version: options.version,
    sequence: position?.sequence ?? SEQUENCE_ZERO,
    epoch: position?.epoch ?? null,
    ledgerHeadSequence: follower?.shovel.head ?? null,
    ledgerTimestampUs,
    lagSeconds: ledgerTimestampUs === null ? null : (clock.nowUs() - ledgerTimestampUs) / 1_000_000,
    wholeAgeSeconds: inSeconds(follower?.shovel.wholeAgeMs ?? null),
    lastPollAtUs: parts.fetcher.answeredAtUs,
    pollAgeSeconds: inSeconds(parts.fetcher.answeredAgeMs),
    schemaVersion: position?.schemaVersion ?? 0,
    unattestedThrough: position?.unattestedThrough ?? SEQUENCE_ZERO,
    legacyGaps: parts.legacyGaps,
    skips: follower?.writer.skips ?? lastKnown?.skips ?? [],
    bootstrap: parts.bootstrap,
    changelog: follower?.changelog ?? null,
    ldb: {
      path: follower?.ldb.path ?? parts.ldbPath,
      generation: follower?.ldb.generation ?? null,
      walBytes: follower?.ldb.database.walBytes() ?? 0,
      walBlockedBy: follower?.walBlockedBy ?? null,
    },
  };
}

function inSeconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1000;
}

/** Also in the states between two attempts, so that an alarm on it does not flicker. */
function isStuck(
  state: ReflectorState,
  { fetcher, bootstrap }: StatusParts,
  options: StatusOptions,
): boolean {
  if (state === "stuck" || state === "diverged" || fetcher.pendingMs >= options.pollStuckMs) return true;
  return state === "bootstrapping" && bootstrap?.phase === "choosing" && bootstrap.failure !== null;
}

function stateOf(parts: StatusParts, options: StatusOptions): Shown {
  const { follower, bootstrap, cannotOpen } = parts;
  if (follower === null && cannotOpen !== null) return { state: "stuck", reason: cannotOpen };
  if (bootstrap !== null && bootstrap.phase !== "waiting") return { state: "bootstrapping", reason: null };
  const followed = follower === null ? STARTING : followedState(follower, parts.fetcher, options);
  const isTooOld = followed.reason?.code === "ledger_too_old";
  const isHeldUp = followed.state === "starting" || followed.state === "stuck" || isTooOld;
  if (!isHeldUp || bootstrap === null) return followed;
  // While nothing can be applied, what keeps the bootstrap from happening is what a person must see to.
  return bootstrap.failure === null
    ? { state: "bootstrapping", reason: null }
    : { state: "stuck", reason: bootstrap.failure };
}

const STARTING: Shown = { state: "starting", reason: null };

/** A poll that hangs is not a quiet ledger, nor is a loop that does: both show long before they are given up (R20). */
function followedState(
  { shovel, writer }: LedgerFollower,
  fetcher: LedgerFetcher,
  { pollStuckMs, idleStuckMs }: StatusOptions,
): Shown {
  const { state, reason } = shovel;
  if (state === "stuck" || state === "diverged") return { state, reason };
  const { pendingMs } = fetcher;
  if (pendingMs >= pollStuckMs) {
    const message = `The ctldb has not answered for ${shortSeconds(pendingMs)} seconds`;
    return { state: "stuck", reason: { code: "ctldb_unavailable", message } };
  }
  // The chain of an adopted LDB is computed by polls alone.
  const idleMs = Math.min(shovel.idleMs ?? 0, state === "starting" ? (fetcher.answeredAgeMs ?? 0) : Infinity);
  return idleMs < idleStuckMs ? { state, reason } : { state: "stuck", reason: idleReason(writer, idleMs) };
}

function idleReason({ cursor }: LdbWriter, idleMs: number): ReflectorReason {
  const seconds = shortSeconds(idleMs);
  if (!cursor.insideTransaction)
    return { code: "internal", message: `The Reflector has got nowhere for ${seconds} seconds` };
  const { sequence } = cursor;
  const message = `The ledger transaction that ends after entry ${sequence} has not ended for ${seconds} seconds`;
  return { code: "ledger_malformed", message, sequence };
}

function shortSeconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
