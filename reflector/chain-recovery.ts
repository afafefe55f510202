/**
 * Finds the chain's link at the position of an LDB that does not know it: adopted from the original, or moved by it.
 *
 * The chain is computed from the ledger's beginning without applying anything; where the beginning is gone, the hash
 * that the ledger itself states is trusted. Either way the LDB's rows stay marked as unattested.
 */
import { CtlstoreError } from "../core/errors.ts";
import { nextLink, sameHash } from "../core/ledger/chain.ts";
import type { LedgerDescription } from "../core/ledger/entry.ts";
import { turnOfEventLoop } from "../core/process/turn.ts";
import { SEQUENCE_ZERO, type Sequence } from "../core/sequence.ts";
import { hashMismatch } from "./ledger-cursor.ts";
import type { LedgerFetcher } from "./ledger-fetcher.ts";
import { missingEntry, noHashToBeHad, reachesOrigin } from "./ledger-identity.ts";

interface RecoveryDeps {
  readonly fetcher: LedgerFetcher;
  readonly signal: AbortSignal;
}

/** @throws CtlstoreError `ledger_hash_mismatch`, `ledger_too_old`, `ctldb_unavailable` */
export function recoverHash(
  deps: RecoveryDeps,
  description: LedgerDescription,
  sequence: Sequence,
): Promise<Uint8Array> {
  return reachesOrigin(description)
    ? computeHash(deps, description.origin, sequence)
    : statedHash(deps, sequence);
}

async function computeHash(deps: RecoveryDeps, origin: Uint8Array, sequence: Sequence): Promise<Uint8Array> {
  let hash = origin;
  let at: Sequence = SEQUENCE_ZERO;
  while (at < sequence) {
    const block = await deps.fetcher.poll(at, deps.signal);
    if (block.entries.length === 0) throw missingEntry(sequence);
    for (const entry of block.entries) {
      if (entry.sequence > sequence) break;
      if (entry.sequence <= at)
        throw new CtlstoreError("ledger_malformed", "Cannot read the ledger: out of order");
      hash = nextLink(hash, entry);
      if (entry.hash !== null && !sameHash(hash, entry.hash)) throw hashMismatch(entry);
      at = entry.sequence;
    }
    const last = block.entries.at(-1);
    if (at < sequence && last !== undefined && last.sequence > sequence) throw missingEntry(sequence);
    await turnOfEventLoop();
  }
  return hash;
}

async function statedHash(deps: RecoveryDeps, sequence: Sequence): Promise<Uint8Array> {
  const { anchor } = await deps.fetcher.poll(sequence, deps.signal);
  if (anchor === null) throw missingEntry(sequence);
  if (anchor.hash === null) throw noHashToBeHad(sequence);
  return anchor.hash;
}
