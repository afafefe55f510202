/** A parent that gives up a task that hears nothing, and ends without waiting for it, for task.test.ts. */
import { join } from "node:path";
import { runTask } from "../../core/process/task.ts";

const stopping = new AbortController();
runTask({
  command: [process.execPath, join(import.meta.dir, "task-child.ts")],
  name: "stubborn",
  input: null,
  signal: stopping.signal,
  onProgress: (pid) => {
    console.log(`child ${pid}`);
    // It is deaf by then.
    setTimeout(() => {
      stopping.abort(new Error("enough"));
      process.exit(0);
    }, 200);
  },
}).catch(() => {});
