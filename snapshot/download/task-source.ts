/**
 * A store of snapshots behind child processes: what a Reflector bootstraps from.
 *
 * An SDK, a decompressor and SQLite's check of a whole database never run in the Reflector itself, which stays small and
 * answers.
 */
import { runTask } from "../../core/process/task.ts";
import { INDEX_KEY } from "../layout.ts";
import { parseIndex, serialize } from "../manifest.ts";
import { taskCommand } from "../tasks/command.ts";
import {
  CHECK_TASK,
  type CheckInput,
  FETCH_TASK,
  type FetchInput,
  type FetchProgress,
  LIST_TASK,
  type ListInput,
  type ListOutput,
  type SnapshotSource,
} from "./contract.ts";

/** @param url of the store; nothing is opened until it is asked */
export function createTaskSource(url: string): SnapshotSource {
  const command = taskCommand();
  return {
    url,
    async list(signal) {
      const input: ListInput = { url };
      const output = await runTask({ command, name: LIST_TASK, input, signal });
      const { index } = output as ListOutput; // from the same program
      if (index === null) return [];
      const { latest, previous } = parseIndex(Buffer.from(index, "utf8"), `${INDEX_KEY} in ${url}`);
      return [latest, ...previous];
    },
    async fetch(entry, { workFolder, targetPath, signal, onProgress }) {
      const text = Buffer.from(serialize(entry)).toString("utf8");
      const input: FetchInput = { url, entry: text, workFolder, targetPath };
      await runTask({
        command,
        name: FETCH_TASK,
        input,
        signal,
        onProgress: (progress) => onProgress(progress as FetchProgress), // from the same program
      });
    },
  };
}

/**
 * SQLite's check of an LDB that is in use, by a child of low priority.
 * @throws CtlstoreError `ldb_damaged` with what was found, `ldb_unavailable`
 */
export async function checkLdb(databasePath: string, signal: AbortSignal): Promise<void> {
  const input: CheckInput = { databasePath };
  await runTask({ command: taskCommand(), name: CHECK_TASK, input, signal });
}
