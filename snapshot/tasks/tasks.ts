/** The work on snapshots that runs in a child process. Each task parses its own input. */
import type { Task } from "../../core/process/task.ts";

/** Implementations are loaded when they are asked for: a child needs one of them. */
export const TASKS: Readonly<Record<string, Task>> = {
  "freeze-snapshot": async (input, context) =>
    (await import("../freeze/freeze-task.ts")).freezeTask(input, context),
  "list-snapshots": async (input, context) => (await import("../download/tasks.ts")).listTask(input, context),
  "fetch-snapshot": async (input, context) =>
    (await import("../download/tasks.ts")).fetchTask(input, context),
  "check-ldb": async (input) => (await import("../download/tasks.ts")).checkTask(input),
};
