/** Waits until an LDB holds a sequence: what makes a writer's next read see its write. */
import { CtlstoreError, isCtlstoreError } from "../core/errors.ts";
import { systemClock } from "../core/process/clock.ts";
import type { WaitOptions } from "./types.ts";

/** A look costs about two microseconds, so looking often is free and keeps the added delay small. */
const LOOK_INTERVAL_MS = 5;

/** The last sequence, or null from an LDB that holds nothing yet or is still behind what was read before. */
export function sequenceOrNull(lastSequence: () => bigint): bigint | null {
  try {
    return lastSequence();
  } catch (error) {
    if (isCtlstoreError(error) && (error.code === "ldb_empty" || error.code === "ldb_regressed")) return null;
    throw error;
  }
}

/** @throws CtlstoreError `wait_timeout` and what `lastSequence` throws for good; the signal's reason when aborted */
export async function waitForSequence(
  lastSequence: () => bigint,
  wanted: bigint,
  options: WaitOptions,
): Promise<void> {
  const { timeoutMs, signal } = options;
  if (!(timeoutMs >= 0)) throw new RangeError(`timeoutMs must be a number of at least 0, not ${timeoutMs}`);
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    const sequence = sequenceOrNull(lastSequence);
    if (sequence !== null && sequence >= wanted) return;
    const leftMs = deadlineMs - performance.now();
    if (leftMs <= 0) {
      throw new CtlstoreError(
        "wait_timeout",
        `Cannot wait longer than ${timeoutMs} ms for sequence ${wanted}: the LDB is at ${sequence ?? "no sequence"}`,
        { sequence: wanted },
      );
    }
    await systemClock.sleep(Math.min(LOOK_INTERVAL_MS, leftMs), signal);
  }
}
