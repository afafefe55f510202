/**
 * What must not outlive the tests: child processes, servers, temporary folders.
 *
 * `preload.ts` runs it all after the last test; the exit handler covers a run that ends early. A run killed with
 * SIGKILL takes its children along through `setpriv --pdeathsig` (see process.ts).
 */

const pending = new Set<() => void>();

/** Registers a synchronous clean-up. Returns what forgets it again. */
export function onTestsEnd(task: () => void): () => void {
  pending.add(task);
  return () => pending.delete(task);
}

/** Runs what is registered, the newest first; one failure does not keep the others from running. */
export function runCleanups(): void {
  const tasks = [...pending].reverse();
  pending.clear();
  for (const task of tasks) {
    try {
      task();
    } catch (error) {
      console.error("cannot clean up after the tests:", error);
    }
  }
}

process.once("exit", runCleanups);
