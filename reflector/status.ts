/** Makes the status document out of what the Reflector's parts know at this moment. It must never throw (R46). */
import type { Clock } from "../core/process/clock.ts";
import type { OpenedLdb } from "../ldb/ldb-folder.ts";
import type { LdbWriter } from "./ldb-writer.ts";
import type { LedgerFetcher } from "./ledger-fetcher.ts";
import type { LegacyGaps } from "./legacy-gaps.ts";
import type { Shovel } from "./shovel.ts";
import type { ReflectorReason, ReflectorState, ReflectorStatus } from "./state.ts";

export interface StatusParts {
  readonly shovel: Shovel;
  readonly writer: LdbWriter;
  readonly fetcher: LedgerFetcher;
  readonly gaps: LegacyGaps;
  readonly ldb: OpenedLdb;
  readonly clock: Clock;
}

export function describeReflector(
  parts: StatusParts,
  options: { readonly version: string; readonly pollStuckMs: number },
): ReflectorStatus {
  const { writer, shovel, ldb } = parts;
  const { sequence, epoch, ledgerTimestampUs, schemaVersion, unattestedThrough } = writer.position;
  const isEmpty = ledgerTimestampUs === 0;
  return {
    ...stateOf(parts, options.pollStuckMs),
    version: options.version,
    sequence,
    epoch,
    ledgerHeadSequence: shovel.head,
    ledgerTimestampUs: isEmpty ? null : ledgerTimestampUs,
    lagSeconds: isEmpty ? null : (parts.clock.nowUs() - ledgerTimestampUs) / 1_000_000,
    lastPollAtUs: parts.fetcher.answeredAtUs,
    schemaVersion,
    unattestedThrough,
    legacyGaps: parts.gaps.accepted,
    skips: writer.skips,
    ldb: { path: ldb.path, generation: ldb.generation, walBytes: ldb.database.walBytes() },
  };
}

/** A poll that hangs is not a quiet ledger: it shows long before it is given up (R20). */
function stateOf(
  parts: StatusParts,
  pollStuckMs: number,
): { state: ReflectorState; reason: ReflectorReason | null } {
  const { state, reason } = parts.shovel;
  const pendingMs = parts.fetcher.pendingMs;
  if (state === "stuck" || state === "diverged" || pendingMs < pollStuckMs) return { state, reason };
  const message = `The ctldb has not answered for ${(pendingMs / 1000).toFixed(1)} seconds`;
  return { state: "stuck", reason: { code: "ctldb_unavailable", message } };
}
