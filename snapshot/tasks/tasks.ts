/** The work on snapshots that runs in a child process. Each task parses its own input. */
import type { Task } from "../../core/process/task.ts";

export const TASKS: Readonly<Record<string, Task>> = {};
