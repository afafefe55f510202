/**
 * Brings a fetched snapshot forward to where the LDB is already, before it takes that one's place: readers that have read
 * on would refuse an older one until the ledger has caught up (R36), and have something better to read meanwhile (I15).
 */
import { isCtlstoreError } from "../../core/errors.ts";
import type { Sequence } from "../../core/sequence.ts";
import { type Generation, removeGeneration } from "../../ldb/generations.ts";
import type { FetchedSnapshot } from "./bootstrapper.ts";
import type { LdbSlot } from "./ldb-slot.ts";
import type { BootstrapNeed } from "./need.ts";
import { prepareStaged } from "./place.ts";

/**
 * Leaves a fetched database in the state in which the readers of the LDB can go on from it.
 * @throws CtlstoreError `snapshot_damaged`, and what `bringForward` throws; the staged generation is gone then
 */
export async function makeReady(
  slot: LdbSlot,
  { snapshot, staged }: FetchedSnapshot,
  need: BootstrapNeed,
  signal: AbortSignal,
): Promise<void> {
  try {
    prepareStaged(staged, snapshot);
    // One that is sound has gone on since the need was found.
    const reached = slot.follower?.writer.position.sequence ?? need.sequence;
    if (snapshot.sequence < reached) await bringForward(slot, staged, reached, signal);
  } catch (error) {
    removeGeneration(slot.folder, staged.id);
    throw error;
  }
}

/**
 * Applies the ledger to a staged generation until it has reached the sequence, or all that the ledger has. Its database
 * is closed then.
 * @throws CtlstoreError `ctldb_unavailable`, and what is wrong with the staged file or the disk
 */
async function bringForward(
  slot: LdbSlot,
  staged: Generation,
  target: Sequence,
  signal: AbortSignal,
): Promise<void> {
  const round = new AbortController();
  const end = () => round.abort(new Error("brought forward"));
  signal.addEventListener("abort", end, { once: true });
  const follower = slot.followStaged(staged, () => {
    const { shovel, writer } = follower;
    if (shovel.state === "current" || writer.position.sequence >= target) end();
  });
  try {
    signal.throwIfAborted();
    await follower.shovel.run(round.signal);
    signal.throwIfAborted();
  } catch (error) {
    // What stops the ledger here stops it for whatever LDB is in place, and shows there.
    if (signal.aborted || !isOfLedger(error)) throw error;
  } finally {
    signal.removeEventListener("abort", end);
    follower.close();
  }
}

function isOfLedger(error: unknown): boolean {
  if (!isCtlstoreError(error)) return false;
  return error.code === "statement_refused" || error.code.startsWith("ledger_");
}
