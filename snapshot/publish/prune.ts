/** Applies a retention to a store without publishing anything: out of the index first, then out of the store. */
import type { Clock } from "../../core/process/clock.ts";
import { readIndex } from "../documents.ts";
import type { SnapshotEntry, SnapshotIndex } from "../manifest.ts";
import type { SnapshotStore } from "../stores/store.ts";
import { replaceIndex } from "./replace-index.ts";
import { type Retention, removeUnnamed, retained } from "./retention.ts";

export interface PruneDeps {
  readonly store: SnapshotStore;
  readonly clock: Clock;
}

export interface PruneOptions {
  readonly retention: Retention;
  /** As whoever published last: a removal is no publication. */
  readonly supervisorId: string;
  readonly signal: AbortSignal;
}

export interface Pruned {
  /** Snapshots that were named and are no more. */
  readonly dropped: readonly SnapshotEntry[];
  /** Keys of the objects that were deleted, orphans included. */
  readonly removed: readonly string[];
}

/** @throws CtlstoreError `snapshot_damaged`, `snapshot_incompatible` of the index, and what the store throws */
export async function pruneSnapshots(deps: PruneDeps, options: PruneOptions): Promise<Pruned> {
  const { store, clock } = deps;
  const { retention, supervisorId, signal } = options;
  const { dropped } = await replaceIndex({
    store,
    clock,
    supervisorId,
    signal,
    next: async (index) => (index === null ? null : trimmed(index, retention, clock)),
  });
  const removed = await removeUnnamed({ store, clock }, { retention, dropped, signal });
  return { dropped, removed };
}

/** What `pruneSnapshots` would take out of the index. */
export async function prunable(
  { store, clock }: PruneDeps,
  { retention, signal }: Pick<PruneOptions, "retention" | "signal">,
): Promise<readonly SnapshotEntry[]> {
  const found = await readIndex(store, signal);
  if (found === null) return [];
  const kept = new Set(trimmed(found.index, retention, clock) ?? allOf(found.index));
  return allOf(found.index).filter((entry) => !kept.has(entry));
}

function allOf({ latest, previous }: SnapshotIndex): readonly [SnapshotEntry, ...SnapshotEntry[]] {
  return [latest, ...previous];
}

/** Null when all of them stay. */
function trimmed(
  index: SnapshotIndex,
  retention: Retention,
  clock: Clock,
): readonly [SnapshotEntry, ...SnapshotEntry[]] | null {
  const all = allOf(index);
  const [, ...older] = retained(all, retention, clock.nowUs() / 1000);
  return older.length === all.length - 1 ? null : [index.latest, ...older];
}
