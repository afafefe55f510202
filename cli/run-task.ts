/** A compiled binary runs its own tasks in child processes of itself: the first argument says so (snapshot/tasks). */
import { TASK_ARGUMENT } from "../snapshot/tasks/command.ts";

/** Does not return when the process was started to run a task. */
export async function runTaskIfAsked(argv: readonly string[]): Promise<void> {
  if (argv[2] !== TASK_ARGUMENT) return;
  const { serveTask } = await import("../core/process/task.ts");
  const { TASKS } = await import("../snapshot/tasks/tasks.ts");
  await serveTask(TASKS);
}
