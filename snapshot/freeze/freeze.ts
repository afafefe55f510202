/** Makes the files of a snapshot out of an LDB that is in use, by a child process (`freeze-task.ts`). */
import { randomUUID } from "node:crypto";
import { mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { CtlstoreError, messageOf, quote } from "../../core/errors.ts";
import { runTask } from "../../core/process/task.ts";
import { VERSION } from "../../core/version.ts";
import type { Compression } from "../layout.ts";
import { parseManifest, type SnapshotManifest } from "../manifest.ts";
import { taskCommand } from "../tasks/command.ts";
import {
  FREEZE_TASK,
  type FreezeInput,
  type FreezeOutput,
  type FreezePhase,
  type FreezeProgress,
  type LegacyFile,
  PLAIN_FILE_NAME,
} from "./contract.ts";

const WORK_FOLDER_NAME = "snapshot-work";

export interface FreezeRequest {
  /** The LDB's database file, with links resolved. */
  readonly databasePath: string;
  /** The LDB's folder; the work is done in a folder in it. */
  readonly ldbFolder: string;
  readonly compression: Compression;
  readonly compressionLevel: number;
  readonly legacy: "gzip" | "plain" | null;
  readonly allowSkips: boolean;
  readonly supervisorId: string;
}

/** A snapshot that is ready to be published. Disposing of it deletes its files. */
export interface FrozenSnapshot extends Disposable {
  readonly manifest: SnapshotManifest;
  /** The manifest as it is to be stored. */
  readonly manifestBytes: Uint8Array;
  /** The compressed database. */
  readonly dataPath: string;
  readonly legacy: LegacyFile | null;
  readonly seconds: Readonly<Record<FreezePhase, number>>;
}

export interface FreezeHooks {
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: FreezeProgress) => void;
}

/** Removes what a killed run left. Call before the first freeze, with the LDB's writer lock held. */
export function clearWorkFolder(ldbFolder: string): void {
  removeFolder(join(ldbFolder, WORK_FOLDER_NAME));
}

/** What cannot be removed is in nobody's way: the child of a killed Supervisor may still write there, or the disk fails. */
function removeFolder(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // The next start tries again.
  }
}

/**
 * Freezes an LDB that a Reflector may go on writing meanwhile. Nothing of it blocks this process.
 * @throws CtlstoreError `snapshot_refused`, `ldb_damaged`, `ldb_disk_full`, `ldb_unavailable`, `ldb_incompatible`
 */
export async function freezeSnapshot(request: FreezeRequest, hooks: FreezeHooks): Promise<FrozenSnapshot> {
  const folder = makeFolder(request.ldbFolder);
  const remove = () => removeFolder(folder);
  const copy = new CopyWatch(join(folder, PLAIN_FILE_NAME), hooks);
  try {
    const { databasePath, compression, compressionLevel, legacy, allowSkips, supervisorId } = request;
    const supervisor = { id: supervisorId, version: VERSION };
    const input: FreezeInput = {
      databasePath,
      folder,
      compression,
      compressionLevel,
      legacy,
      allowSkips,
      supervisor,
    };
    const result = await runTask({
      command: taskCommand(),
      name: FREEZE_TASK,
      input,
      signal: hooks.signal,
      onProgress: (progress) => copy.take(progress as FreezeProgress), // from the same program
    });
    const output = result as FreezeOutput; // from the same program
    const manifestBytes = new TextEncoder().encode(output.manifest);
    const manifest = parseManifest(manifestBytes, "the manifest that was just made");
    return { ...output, manifest, manifestBytes, [Symbol.dispose]: remove };
  } catch (error) {
    remove();
    throw error;
  } finally {
    copy.end();
  }
}

function makeFolder(ldbFolder: string): string {
  const folder = join(ldbFolder, WORK_FOLDER_NAME, randomUUID());
  try {
    mkdirSync(folder, { recursive: true });
    return folder;
  } catch (cause) {
    throw new CtlstoreError(
      "ldb_unavailable",
      `Cannot make a snapshot in ${quote(ldbFolder)}: ${messageOf(cause)}`,
      { cause },
    );
  }
}

const COPY_LOOK_INTERVAL_MS = 500;

/** While SQLite copies, the child cannot say how far it is; the size of the file can. */
class CopyWatch {
  readonly #path: string;
  readonly #hooks: FreezeHooks;
  #timer: ReturnType<typeof setInterval> | null = null;

  constructor(path: string, hooks: FreezeHooks) {
    this.#path = path;
    this.#hooks = hooks;
  }

  take(progress: FreezeProgress): void {
    this.end();
    this.#hooks.onProgress?.(progress);
    if (progress.phase !== "copy") return;
    this.#timer = setInterval(() => {
      const done = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
      this.#hooks.onProgress?.({ ...progress, done });
    }, COPY_LOOK_INTERVAL_MS);
  }

  end(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}
