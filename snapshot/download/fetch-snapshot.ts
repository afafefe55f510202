/**
 * Fetches one snapshot from a store into a database file that is ready to be an LDB.
 *
 * Every length and checksum of the manifest is checked, and what the manifest says of the database is read from it. A
 * download that turns out wrong is thrown away and made once more, since the bytes kept on this disk may be at fault;
 * then the snapshot is what is damaged. One process at a time works in a folder.
 */
import { mkdirSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CtlstoreError, isCtlstoreError, quote } from "../../core/errors.ts";
import { BOOTSTRAP_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import { turnOfEventLoop } from "../../core/process/turn.ts";
import { asFileError } from "../../ldb/file-errors.ts";
import { FileLock } from "../../ldb/file-lock.ts";
import { ensureFreeSpace } from "../../ldb/free-space.ts";
import { SIDE_FILES } from "../../ldb/layout.ts";
import { readManifest } from "../documents.ts";
import type { SnapshotEntry, SnapshotManifest } from "../manifest.ts";
import type { SnapshotStore } from "../stores/store.ts";
import type { FetchRequest } from "./contract.ts";
import { downloadInto } from "./download.ts";
import { PartFile } from "./part-file.ts";
import { unpack } from "./unpack.ts";
import { compareWithEntry, verifyFile } from "./verify-file.ts";

export interface FetchDeps {
  readonly store: SnapshotStore;
  readonly clock: Clock;
  readonly random: () => number;
}

const LOCK_NAME = "lock";
const LOCK_POLL_MS = 50;

/** See `SnapshotSource.fetch`. */
export async function fetchSnapshot(
  deps: FetchDeps,
  entry: SnapshotEntry,
  request: FetchRequest,
): Promise<void> {
  const { workFolder, targetPath, signal } = request;
  try {
    const manifest = await readManifest(deps.store, entry, signal);
    compareWithEntry(manifest, entry);
    // The child of a Reflector that was killed must not put anything where the next one has cleaned up.
    signal.throwIfAborted();
    mkdirSync(workFolder, { recursive: true });
    using _lock = await waitForLock(workFolder, deps.clock, signal);
    signal.throwIfAborted();
    await using part = await PartFile.open(workFolder, manifest.compressed.sha256);
    await fetchTwice(deps, { manifest, part }, request);
    report(request, manifest, "checking");
    // What waits to be said to the parent is said before a call that blocks.
    await turnOfEventLoop();
    signal.throwIfAborted();
    // The disk writes while SQLite reads.
    const synced = syncFile(targetPath);
    synced.catch(() => {}); // awaited below, unless the check fails first
    verifyFile(targetPath, manifest);
    await synced;
  } catch (error) {
    removeDatabase(targetPath);
    signal.throwIfAborted();
    throw asFileError("store a snapshot", error);
  }
}

/** The child of a Reflector that was killed may still be at work for a moment. */
async function waitForLock(folder: string, clock: Clock, signal: AbortSignal): Promise<FileLock> {
  const path = join(folder, LOCK_NAME);
  const untilMs = clock.monotonicMs() + BOOTSTRAP_LIMITS.lockWaitMs;
  for (;;) {
    const lock = FileLock.tryAcquire(path);
    if (lock !== null) return lock;
    if (clock.monotonicMs() > untilMs) throw locked(folder);
    await clock.sleep(LOCK_POLL_MS, signal);
  }
}

function locked(folder: string): CtlstoreError {
  return new CtlstoreError(
    "ldb_locked",
    `Cannot store a snapshot in ${quote(folder)}: another process does so`,
    {
      hint: "It may be the child of a Reflector that hangs: look for processes that have this folder open.",
    },
  );
}

interface Wanted {
  readonly manifest: SnapshotManifest;
  readonly part: PartFile;
}

async function fetchTwice(deps: FetchDeps, wanted: Wanted, request: FetchRequest): Promise<void> {
  try {
    await fetchOnce(deps, wanted, request);
  } catch (error) {
    if (!isDamage(error)) throw error;
    await wanted.part.clear();
    removeDatabase(request.targetPath);
    try {
      await fetchOnce(deps, wanted, request);
    } catch (again) {
      if (isDamage(again)) wanted.part.remove();
      throw again;
    }
  }
}

async function fetchOnce(deps: FetchDeps, { manifest, part }: Wanted, request: FetchRequest): Promise<void> {
  const { targetPath, signal } = request;
  const { compressed, plain, dataKey } = manifest;
  const missing = Math.max(0, compressed.bytes - part.bytes);
  ensureFreeSpace(
    dirname(targetPath),
    missing + plain.bytes + BOOTSTRAP_LIMITS.spareDiskBytes,
    `the snapshot of sequence ${manifest.sequence}`,
  );
  const say = () => report(request, manifest, "downloading", part.bytes);
  say();
  const download = downloadInto(
    { ...deps, part, signal, onBytes: throttle(deps.clock, say) },
    { key: dataKey, bytes: compressed.bytes },
  );
  await unpack(download, targetPath, { expected: manifest, signal });
}

function report(
  { onProgress }: FetchRequest,
  { compressed }: SnapshotManifest,
  phase: "downloading" | "checking",
  bytes = compressed.bytes,
): void {
  onProgress({ phase, bytes, totalBytes: compressed.bytes });
}

function throttle(clock: Clock, action: () => void): () => void {
  let lastMs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = clock.monotonicMs();
    if (nowMs - lastMs < BOOTSTRAP_LIMITS.progressIntervalMs) return;
    lastMs = nowMs;
    action();
  };
}

function isDamage(error: unknown): boolean {
  return isCtlstoreError(error) && error.code === "snapshot_damaged";
}

async function syncFile(path: string): Promise<void> {
  await using handle = await open(path, "r");
  await handle.sync();
}

/** Also what looking at it may have left beside it. */
function removeDatabase(path: string): void {
  for (const suffix of ["", ...SIDE_FILES]) rmSync(`${path}${suffix}`, { force: true });
}
