/**
 * Publishes a frozen snapshot: its data, then its manifest, then the index. Whoever reads the index finds all that it
 * names, whenever this process dies. Doing it again after a failure is right at every point.
 */
import { CtlstoreError, isCtlstoreError, quote } from "../../core/errors.ts";
import { SNAPSHOT_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import { entryOf, readIndex } from "../documents.ts";
import type { FrozenSnapshot } from "../freeze/freeze.ts";
import { manifestKey } from "../layout.ts";
import { parseManifest, type SnapshotEntry, type SnapshotIndex, type SnapshotManifest } from "../manifest.ts";
import type { SnapshotStore } from "../stores/store.ts";
import { judge } from "./judge.ts";
import { replaceIndex } from "./replace-index.ts";
import { type Retention, retained } from "./retention.ts";

export type PublishPhase = "upload" | "index";

export interface PublishProgress {
  readonly phase: PublishPhase;
  readonly done: number;
  readonly total: number | null;
}

export interface PublishDeps {
  readonly store: SnapshotStore;
  readonly clock: Clock;
}

export interface PublishOptions {
  readonly supervisorId: string;
  readonly newEpoch: boolean;
  readonly retention: Retention;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: PublishProgress) => void;
  /** Asked whether the snapshot goes on from the newest in the store. @throws what ends the publication */
  readonly checkPredecessor?: (latest: SnapshotEntry) => Promise<void>;
  /** Asked right before the index is replaced, since the upload may have taken hours. @throws what ends the publication */
  readonly checkSource?: () => void;
}

export type Publishable = Pick<FrozenSnapshot, "manifest" | "manifestBytes" | "dataPath">;

export interface Publication {
  readonly entry: SnapshotEntry;
  readonly index: SnapshotIndex;
  /** False when an attempt before this one had published it already. */
  readonly fresh: boolean;
  /** Entries that the index had before and has no more. */
  readonly dropped: readonly SnapshotEntry[];
}

/**
 * @throws CtlstoreError `snapshot_refused` when the store has something newer, or another ctldb's;
 *   `snapshot_damaged`, `snapshot_incompatible` of the index; and what the store throws
 */
export async function publishSnapshot(
  deps: PublishDeps,
  snapshot: Publishable,
  options: PublishOptions,
): Promise<Publication> {
  const { store, clock } = deps;
  const { signal } = options;
  const ageMs = stopwatch(clock);
  const key = manifestKey({
    sequence: snapshot.manifest.sequence,
    dataSha256: snapshot.manifest.compressed.sha256,
  });
  const own = entryOf(snapshot.manifest, { key, bytes: snapshot.manifestBytes });
  const found = await readIndex(store, signal);
  if (found !== null && judge(found.index, own, options) === "named") return named(found.index, own);
  await upload(store, snapshot, options);
  options.onProgress?.({ phase: "index", done: 0, total: null });
  const manifestBytes = await writeManifest(store, key, snapshot, signal);
  const entry = entryOf(snapshot.manifest, { key, bytes: manifestBytes });
  const { index, changed, dropped } = await replaceIndex({
    ...deps,
    supervisorId: options.supervisorId,
    signal,
    async next(current) {
      if (judge(current, entry, options) === "named") return null;
      if (current !== null) await options.checkPredecessor?.(current.latest);
      checkAge(ageMs(), store);
      options.checkSource?.();
      const before = current === null ? [] : [current.latest, ...current.previous];
      return [entry, ...retained([entry, ...before], options.retention, clock.nowUs() / 1000).slice(1)];
    },
  });
  if (index === null) throw new Error("an index that was judged is there");
  return changed ? { entry, index, fresh: true, dropped } : named(index, entry);
}

function named(index: SnapshotIndex, own: SnapshotEntry): Publication {
  const entry = [index.latest, ...index.previous].find(({ manifestKey }) => manifestKey === own.manifestKey);
  return { entry: entry ?? own, index, fresh: false, dropped: [] };
}

async function upload(store: SnapshotStore, snapshot: Publishable, options: PublishOptions): Promise<void> {
  const total = snapshot.manifest.compressed.bytes;
  const report = (done: number) => options.onProgress?.({ phase: "upload", done, total });
  report(0);
  await store.uploadFile(snapshot.manifest.dataKey, snapshot.dataPath, {
    contentType: "application/octet-stream",
    signal: options.signal,
    onProgress: report,
  });
}

/**
 * The manifest's bytes as they are in the store. Another run of the same work may have left one, which differs in who
 * made it and when: then that one stays.
 */
async function writeManifest(
  store: SnapshotStore,
  key: string,
  { manifest, manifestBytes }: Publishable,
  signal: AbortSignal,
): Promise<Uint8Array> {
  try {
    await store.writeDocument(key, manifestBytes, {
      condition: { kind: "absent" },
      contentType: "application/json",
      signal,
    });
    return manifestBytes;
  } catch (error) {
    if (!isCtlstoreError(error) || error.code !== "snapshot_conflict") throw error;
    const existing = await store.readDocument(key, signal);
    if (existing !== null && saysTheSame(parseManifest(existing.bytes, key), manifest)) return existing.bytes;
    throw error;
  }
}

function saysTheSame(left: SnapshotManifest, right: SnapshotManifest): boolean {
  const content = ({ createdAt: _at, supervisor: _by, ...rest }: SnapshotManifest) =>
    JSON.stringify(rest, (_, value) => (typeof value === "bigint" ? value.toString() : value));
  return content(left) === content(right);
}

/** By the clock that goes further: the one stands still while the machine is suspended, the other may be set back. */
function stopwatch(clock: Clock): () => number {
  const startedMs = clock.monotonicMs();
  const startedUs = clock.nowUs();
  return () => Math.max(clock.monotonicMs() - startedMs, (clock.nowUs() - startedUs) / 1000);
}

/** After so long the data may be taken for an orphan, and be gone before the index names it. */
function checkAge(ageMs: number, store: SnapshotStore): void {
  if (ageMs < SNAPSHOT_LIMITS.publicationMs) return;
  throw new CtlstoreError(
    "snapshot_store_unavailable",
    `Cannot publish to ${quote(store.url)}: the upload took ${Math.round(ageMs / 60_000)} minutes, too long for a snapshot`,
  );
}
