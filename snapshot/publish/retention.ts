/**
 * Which snapshots a store keeps, and the removal of the others.
 *
 * Nothing that the index names is ever deleted: it is taken out of the index first. An object that no index names may be
 * of a publication under way in another Supervisor, so it stays for a day.
 */
import { SNAPSHOT_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import { readIndex } from "../documents.ts";
import { SNAPSHOTS_PREFIX } from "../layout.ts";
import type { SnapshotEntry } from "../manifest.ts";
import type { SnapshotStore, StoredObject } from "../stores/store.ts";
import { namedKeys } from "./judge.ts";

export interface Retention {
  /** The newest so many stay. */
  readonly keep: number;
  /** Those that are younger stay too. */
  readonly keepForMs: number;
}

/** Those of the entries, newest first, that stay. The newest always does. */
export function retained(
  entries: readonly SnapshotEntry[],
  { keep, keepForMs }: Retention,
  nowMs: number,
): SnapshotEntry[] {
  return entries
    .filter((entry, i) => i < Math.max(1, keep) || nowMs - Date.parse(entry.createdAt) < keepForMs)
    .slice(0, SNAPSHOT_LIMITS.indexEntries);
}

export interface RemovalOptions {
  readonly retention: Retention;
  /** Taken out of the index by the caller: they go at once. */
  readonly dropped: readonly SnapshotEntry[];
  readonly signal: AbortSignal;
}

/** Deletes what no index names and is old enough, and unfinished uploads. Says what it deleted. */
export async function removeUnnamed(
  deps: { readonly store: SnapshotStore; readonly clock: Clock },
  { retention, dropped, signal }: RemovalOptions,
): Promise<readonly string[]> {
  const { store, clock } = deps;
  const graceMs = Math.max(retention.keepForMs, SNAPSHOT_LIMITS.orphanGraceMs);
  const goesAtOnce = new Set(dropped.map(({ manifestKey }) => nameOf(manifestKey)));
  const objects: (StoredObject & { readonly name: string })[] = [];
  for await (const object of store.list(SNAPSHOTS_PREFIX, signal)) {
    const name = nameOf(object.key);
    // Others are somebody else's.
    if (name !== null) objects.push({ ...object, name });
  }
  const nowMs = storeTimeMs(objects, clock);
  const candidates = objects
    .filter(({ name, modifiedAtMs }) => goesAtOnce.has(name) || nowMs - modifiedAtMs > graceMs)
    .map(({ key }) => key);
  // Read after the listing: what is named by now stays.
  const found = await readIndex(store, signal);
  const named = new Set([...(found === null ? [] : namedKeys(found.index))].map(nameOf));
  const unnamed = candidates.filter((key) => !named.has(nameOf(key)));
  if (unnamed.length > 0) await store.remove(unnamed, signal);
  await store.removeUnfinished(SNAPSHOT_LIMITS.unfinishedUploadMs, signal);
  return unnamed;
}

/**
 * Now, as far as the store knows: the time of its youngest object, which after a publication is seconds old. A host whose
 * clock is a day ahead would otherwise delete what another Supervisor has just uploaded.
 */
function storeTimeMs(objects: readonly StoredObject[], clock: Clock): number {
  const youngestMs = objects.reduce((latest, { modifiedAtMs }) => Math.max(latest, modifiedAtMs), 0);
  return Math.min(youngestMs, clock.nowUs() / 1000);
}

/** What the objects of one snapshot have in common; null for what is no object of a snapshot. */
function nameOf(key: string): string | null {
  return /^snapshots\/\d{20}-[0-9a-f]{16}(?=\.)/.exec(key)?.[0] ?? null;
}
