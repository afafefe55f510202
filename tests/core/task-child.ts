/** The child of task.test.ts. */
import { CtlstoreError } from "../../core/errors.ts";
import { serveTask } from "../../core/process/task.ts";

await serveTask({
  echo: async (input, { onProgress }) => {
    onProgress(1);
    onProgress(2);
    return input;
  },
  fail: async () => {
    throw new CtlstoreError("snapshot_damaged", "Cannot do it", { hint: "try" });
  },
  die: async () => process.kill(process.pid, "SIGKILL"),
  wait: (_, { signal, onProgress }) => {
    onProgress("started");
    return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  },
  talk: async (_, { onProgress }) => {
    onProgress(process.pid);
    // Deaf to the end of its parent, and it goes on talking.
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      onProgress(process.pid);
    }
  },
  noisy: async () => {
    process.stdout.write("panic: not a message\nnull\n7\n{}\n");
    return "well";
  },
  stubborn: async (_, { onProgress }) => {
    onProgress(process.pid);
    // As deaf as a long SQLite call.
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (;;) Bun.sleepSync(1_000);
  },
});
