/** A parent that starts a task and says its pid, for task.test.ts to kill. */
import { join } from "node:path";
import { runTask } from "../../core/process/task.ts";

await runTask({
  command: [process.execPath, join(import.meta.dir, "task-child.ts")],
  name: "talk",
  input: null,
  signal: new AbortController().signal,
  onProgress: (pid) => console.log(`child ${pid}`),
});
