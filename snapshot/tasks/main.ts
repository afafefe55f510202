/** Entry of a child process that runs one task, when ctlstore runs from source (`command.ts`). */
import { serveTask } from "../../core/process/task.ts";
import { TASKS } from "./tasks.ts";

await serveTask(TASKS);
