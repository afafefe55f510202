/** Makes the status document out of what the Reflector's parts know at this moment. It must never throw (R46). */
import type { Clock } from "../core/process/clock.ts";
import { SEQUENCE_ZERO } from "../core/sequence.ts";
import type { LdbPosition, LdbSkip } from "../ldb/position.ts";
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

interface Shown {
  readonly state: ReflectorState;
  readonly reason: ReflectorReason | null;
}

export function describeReflector(
  parts: StatusParts,
  options: { readonly version: string; readonly pollStuckMs: number },
): ObservedStatus {
  const { follower, lastKnown, clock } = parts;
  const position = follower?.writer.position ?? lastKnown?.position ?? null;
  const ledgerTimestampUs = position?.ledgerTimestampUs || null;
  return {
    ...stateOf(parts, options.pollStuckMs),
    version: options.version,
    sequence: position?.sequence ?? SEQUENCE_ZERO,
    epoch: position?.epoch ?? null,
    ledgerHeadSequence: follower?.shovel.head ?? null,
    ledgerTimestampUs,
    lagSeconds: ledgerTimestampUs === null ? null : (clock.nowUs() - ledgerTimestampUs) / 1_000_000,
    wholeAgeSeconds: inSeconds(follower?.shovel.wholeAgeMs ?? null),
    lastPollAtUs: parts.fetcher.answeredAtUs,
    schemaVersion: position?.schemaVersion ?? 0,
    unattestedThrough: position?.unattestedThrough ?? SEQUENCE_ZERO,
    legacyGaps: parts.legacyGaps,
    skips: follower?.writer.skips ?? lastKnown?.skips ?? [],
    bootstrap: parts.bootstrap,
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

function stateOf(parts: StatusParts, pollStuckMs: number): Shown {
  const { follower, bootstrap, cannotOpen } = parts;
  if (follower === null && cannotOpen !== null) return { state: "stuck", reason: cannotOpen };
  if (bootstrap !== null && bootstrap.phase !== "waiting") return { state: "bootstrapping", reason: null };
  const followed = follower === null ? STARTING : followedState(follower, parts.fetcher, pollStuckMs);
  const isTooOld = followed.reason?.code === "ledger_too_old";
  const isHeldUp = followed.state === "starting" || followed.state === "stuck" || isTooOld;
  if (!isHeldUp || bootstrap === null) return followed;
  // While nothing can be applied, what keeps the bootstrap from happening is what a person must see to.
  return bootstrap.failure === null
    ? { state: "bootstrapping", reason: null }
    : { state: "stuck", reason: bootstrap.failure };
}

const STARTING: Shown = { state: "starting", reason: null };

/** A poll that hangs is not a quiet ledger: it shows long before it is given up (R20). */
function followedState({ shovel }: LedgerFollower, { pendingMs }: LedgerFetcher, pollStuckMs: number): Shown {
  const { state, reason } = shovel;
  if (state === "stuck" || state === "diverged" || pendingMs < pollStuckMs) return { state, reason };
  const message = `The ctldb has not answered for ${(pendingMs / 1000).toFixed(1)} seconds`;
  return { state: "stuck", reason: { code: "ctldb_unavailable", message } };
}
