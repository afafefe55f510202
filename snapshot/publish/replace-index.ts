/**
 * Replaces `latest.json`, only while it is what was read (R23).
 *
 * Whoever loses the race to another Supervisor reads again and judges again. Each loss means that another one has
 * published something, so this ends.
 */
import { randomUUID } from "node:crypto";
import { CtlstoreError, isCtlstoreError, quote } from "../../core/errors.ts";
import { SNAPSHOT_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import { type FoundIndex, readIndex } from "../documents.ts";
import { INDEX_KEY } from "../layout.ts";
import { SNAPSHOT_FORMAT_VERSION, type SnapshotEntry, type SnapshotIndex, serialize } from "../manifest.ts";
import type { SnapshotStore } from "../stores/store.ts";

export interface IndexChange {
  readonly store: SnapshotStore;
  readonly clock: Clock;
  readonly supervisorId: string;
  readonly signal: AbortSignal;
  /**
   * The entries, newest first, that the index is to have; null leaves it as it is.
   * @throws what ends the change
   */
  readonly next: (
    index: SnapshotIndex | null,
  ) => Promise<readonly [SnapshotEntry, ...SnapshotEntry[]] | null>;
}

export interface IndexOutcome {
  readonly index: SnapshotIndex | null;
  /** False when there was nothing to change. */
  readonly changed: boolean;
  /** Entries that the index had before and has no more. */
  readonly dropped: readonly SnapshotEntry[];
}

/** @throws CtlstoreError what `next` and the store throw, `snapshot_store_unavailable` after too many lost races */
export async function replaceIndex(change: IndexChange): Promise<IndexOutcome> {
  const { store, signal } = change;
  for (let round = 0; round < SNAPSHOT_LIMITS.indexRounds; round++) {
    const found = await readIndex(store, signal);
    const entries = await change.next(found?.index ?? null);
    if (entries === null) return { index: found?.index ?? null, changed: false, dropped: [] };
    const index = indexOf(entries, change);
    try {
      await writeIndex(change, index, found);
      return { index, changed: true, dropped: droppedBy(index, found?.index ?? null) };
    } catch (error) {
      if (!isCtlstoreError(error) || error.code !== "snapshot_conflict") throw error;
    }
  }
  throw new CtlstoreError(
    "snapshot_store_unavailable",
    `Cannot replace ${INDEX_KEY} of ${quote(store.url)}: others have replaced it ${SNAPSHOT_LIMITS.indexRounds} times in a row`,
    { hint: "How many Supervisors publish to this store?" },
  );
}

function indexOf(
  [latest, ...previous]: readonly [SnapshotEntry, ...SnapshotEntry[]],
  change: IndexChange,
): SnapshotIndex {
  return {
    formatVersion: SNAPSHOT_FORMAT_VERSION,
    publicationId: randomUUID(),
    publishedAt: new Date(change.clock.nowUs() / 1000).toISOString(),
    publishedBy: change.supervisorId,
    latest,
    previous,
  };
}

async function writeIndex(
  change: IndexChange,
  index: SnapshotIndex,
  found: FoundIndex | null,
): Promise<void> {
  await change.store.writeDocument(INDEX_KEY, serialize(index), {
    condition: found === null ? { kind: "absent" } : { kind: "unchanged", version: found.version },
    contentType: "application/json",
    signal: change.signal,
  });
}

function droppedBy(index: SnapshotIndex, before: SnapshotIndex | null): readonly SnapshotEntry[] {
  if (before === null) return [];
  const kept = new Set([index.latest, ...index.previous].map(({ manifestKey }) => manifestKey));
  return [before.latest, ...before.previous].filter(({ manifestKey }) => !kept.has(manifestKey));
}
