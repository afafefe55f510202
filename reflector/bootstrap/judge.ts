/**
 * Decides whether the ledger goes on from a snapshot, before it is fetched and once more before it becomes the LDB.
 *
 * It must be of the same history (I14, R5: same epoch, same hash at its sequence), and the ledger must still reach back
 * to the entry after it (R27).
 */
import { CtlstoreError } from "../../core/errors.ts";
import { hashFromHex, nextLink, sameHash } from "../../core/ledger/chain.ts";
import type { LedgerBlock, LedgerDescription } from "../../core/ledger/entry.ts";
import type { SnapshotEntry } from "../../snapshot/manifest.ts";
import { recoverHash } from "../chain-recovery.ts";
import type { LedgerFetcher } from "../ledger-fetcher.ts";
import { isTooOld, reachesOrigin } from "../ledger-identity.ts";

export type Identity = Pick<SnapshotEntry, "sequence" | "epoch" | "hash">;

/** What a snapshot is judged by: the ledger as it is now. */
export class LedgerJudge {
  readonly #fetcher: LedgerFetcher;
  readonly #description: LedgerDescription;
  readonly #signal: AbortSignal;

  private constructor(fetcher: LedgerFetcher, description: LedgerDescription, signal: AbortSignal) {
    this.#fetcher = fetcher;
    this.#description = description;
    this.#signal = signal;
  }

  /** @throws CtlstoreError `ctldb_unavailable` */
  static async ask(fetcher: LedgerFetcher, signal: AbortSignal): Promise<LedgerJudge> {
    return new LedgerJudge(fetcher, await fetcher.describe(signal), signal);
  }

  /** @throws CtlstoreError `snapshot_mismatch`, `ledger_behind`, `ledger_too_old`, `ctldb_unavailable` */
  async check(snapshot: Identity): Promise<void> {
    const { epoch, headSequence } = this.#description;
    const { sequence } = snapshot;
    // A snapshot that a ledger of the original was followed for has none; its hash must do.
    if (snapshot.epoch !== null && snapshot.epoch !== epoch) {
      throw mismatch(sequence, `it is of epoch ${snapshot.epoch}; the ctldb's is ${epoch ?? "not known"}`);
    }
    if (sequence > headSequence) throw ahead(sequence, headSequence);
    if (isTooOld(this.#description, sequence)) throw outOfReach(sequence, this.#description);
    await this.#checkHash(snapshot);
  }

  async #checkHash(snapshot: Identity): Promise<void> {
    const { sequence } = snapshot;
    const block = await this.#fetcher.peek(sequence, this.#signal);
    const expected = hashFromHex(snapshot.hash);
    const found = block.anchor?.hash ?? null;
    if (found !== null && !sameHash(found, expected)) throw otherHistory(sequence);
    if (found !== null || followsFrom(block, expected)) return;
    await this.#checkWithoutHash(snapshot, block, expected);
  }

  /** The ledger says nothing of the hash there: the entry was pruned, or is one of the original's. */
  async #checkWithoutHash(snapshot: Identity, block: LedgerBlock, expected: Uint8Array): Promise<void> {
    const { sequence, epoch } = snapshot;
    const wasPruned = block.anchor === null;
    // Pruned with all before it, and nothing came after: the epoch, which nobody else has, is what there is.
    if (wasPruned && block.entries.length === 0 && epoch !== null) return;
    if (wasPruned && this.#description.firstSequence <= sequence) throw otherHistory(sequence);
    if (!wasPruned && reachesOrigin(this.#description)) {
      const deps = { fetcher: this.#fetcher, signal: this.#signal };
      if (sameHash(await recoverHash(deps, this.#description, sequence), expected)) return;
    }
    throw otherHistory(sequence);
  }
}

/** True when the entry after it has the hash that it must have; throws when it has another one. */
function followsFrom({ anchor, entries: [next] }: LedgerBlock, expected: Uint8Array): boolean {
  if (anchor !== null || next === undefined || next.hash === null) return false;
  return sameHash(nextLink(expected, next), next.hash);
}

function mismatch(sequence: bigint, what: string): CtlstoreError {
  return new CtlstoreError(
    "snapshot_mismatch",
    `Cannot bootstrap from the snapshot of sequence ${sequence}: ${what}`,
    { sequence, hint: "Check --bootstrap and --ctldb: they must be of the same ctldb." },
  );
}

function otherHistory(sequence: bigint): CtlstoreError {
  return new CtlstoreError(
    "snapshot_mismatch",
    `Cannot bootstrap from the snapshot of sequence ${sequence}: the ledger's hash there is another one`,
    {
      sequence,
      hint: "The ctldb was restored from a backup, or this is another one. Newer snapshots will fit.",
    },
  );
}

function ahead(sequence: bigint, headSequence: bigint): CtlstoreError {
  return new CtlstoreError(
    "ledger_behind",
    `Cannot bootstrap from the snapshot of sequence ${sequence}: the ledger ends at ${headSequence}`,
    { sequence, hint: "A lagging replica catches up by itself." },
  );
}

function outOfReach(sequence: bigint, { firstSequence }: LedgerDescription): CtlstoreError {
  const from = firstSequence === 0n ? "it holds later entries only" : `it begins with ${firstSequence}`;
  return new CtlstoreError(
    "ledger_too_old",
    `Cannot bootstrap from the snapshot of sequence ${sequence}: the ledger was pruned, ${from}`,
    { sequence, hint: "A newer snapshot is needed: see whether the Supervisor publishes." },
  );
}
