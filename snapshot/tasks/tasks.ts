/** The work on snapshots that runs in a child process. Each task parses its own input. */
import type { Task } from "../../core/process/task.ts";

/** Implementations are loaded when they are asked for: a child needs one of them. */
export const TASKS: Readonly<Record<string, Task>> = {
  "freeze-snapshot": async (input, context) =>
    (await import("../freeze/freeze-task.ts")).freezeTask(input, context),
};
