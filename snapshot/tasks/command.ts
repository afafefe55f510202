/** How this program starts itself to run a task: from source with the runtime, compiled as itself with a first argument. */
import { join } from "node:path";

/** First argument of a compiled binary that is to run a task; `cli/` looks for it before anything else. */
export const TASK_ARGUMENT = "--run-task-from-stdin";

/** Where the files inside a compiled binary seem to be. */
const COMPILED_ROOT = "/$bunfs/";

export function taskCommand(): readonly string[] {
  return import.meta.dir.startsWith(COMPILED_ROOT)
    ? [process.execPath, TASK_ARGUMENT]
    : [process.execPath, join(import.meta.dir, "main.ts")];
}
