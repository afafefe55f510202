/** The child's side of fetching snapshots: what runs in processes of its own (`task-source.ts` starts them). */
import { constants, setPriority } from "node:os";
import { systemClock } from "../../core/process/clock.ts";
import type { TaskContext } from "../../core/process/task.ts";
import { quickCheck } from "../../ldb/copy-database.ts";
import { INDEX_KEY } from "../layout.ts";
import { parseEntry } from "../manifest.ts";
import { openSnapshotStore } from "../stores/open.ts";
import type { CheckInput, FetchInput, ListInput, ListOutput } from "./contract.ts";
import { fetchSnapshot } from "./fetch-snapshot.ts";

// Inputs are written by `task-source.ts` of the same program.

export async function listTask(rawInput: unknown, { signal }: TaskContext): Promise<ListOutput> {
  const { url } = rawInput as ListInput;
  await using store = await openSnapshotStore(url);
  const document = await store.readDocument(INDEX_KEY, signal);
  return { index: document === null ? null : Buffer.from(document.bytes).toString("utf8") };
}

export async function fetchTask(rawInput: unknown, { signal, onProgress }: TaskContext): Promise<null> {
  const { url, entry, workFolder, targetPath } = rawInput as FetchInput;
  await using store = await openSnapshotStore(url);
  await fetchSnapshot(
    { store, clock: systemClock, random: Math.random },
    parseEntry(Buffer.from(entry, "utf8"), "the snapshot to fetch"),
    { workFolder, targetPath, signal, onProgress },
  );
  return null;
}

/** Looks at a whole LDB that is in use: at a low priority, since nobody waits for it. */
export async function checkTask(rawInput: unknown): Promise<null> {
  const { databasePath } = rawInput as CheckInput;
  try {
    setPriority(constants.priority.PRIORITY_LOW);
  } catch {
    // A sandbox may forbid it.
  }
  quickCheck(databasePath);
  return null;
}
