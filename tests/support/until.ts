/** Waiting for a condition, never for a time: the only way in which a test waits. */

export interface UntilOptions {
  /** What is waited for; stands in the error. */
  readonly what: string;
  readonly deadlineMs?: number;
  readonly intervalMs?: number;
}

const DEFAULT_DEADLINE_MS = 15_000;
const DEFAULT_INTERVAL_MS = 10;

/**
 * Asks until the answer is neither false, null nor undefined, and returns it. An error of `probe` counts as "not yet".
 * @throws Error when the deadline passes, with the probe's last error as its cause
 */
export async function until<T>(
  probe: () => T | Promise<T>,
  options: UntilOptions,
): Promise<Exclude<T, false | null | undefined>> {
  const { what, deadlineMs = DEFAULT_DEADLINE_MS, intervalMs = DEFAULT_INTERVAL_MS } = options;
  const deadline = performance.now() + deadlineMs;
  let cause: unknown;
  for (;;) {
    try {
      const answer = await probe();
      if (answer !== false && answer !== null && answer !== undefined)
        return answer as Exclude<T, false | null | undefined>;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline)
      throw new Error(`waited ${deadlineMs} ms in vain for ${what}`, { cause });
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}
