/**
 * Waiting for SQLite's write lock without stopping the event loop.
 *
 * SQLite's own busy timeout sleeps inside the call, so that neither health checks nor a second connection of this
 * process, which may be the one that holds the lock, would get a turn (R21).
 */
import { SQLiteError } from "bun:sqlite";
import type { Clock } from "../../core/process/clock.ts";

export interface BusyOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
}

const LONGEST_PAUSE_MS = 20;

/** Tries until another connection lets go. @throws SQLiteError (busy) when the time is over */
export async function whenNotBusy<T>(task: () => T, { clock, timeoutMs }: BusyOptions): Promise<T> {
  const deadlineMs = clock.monotonicMs() + timeoutMs;
  for (let pauseMs = 1; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      return task();
    } catch (error) {
      if (!isBusy(error) || clock.monotonicMs() >= deadlineMs) throw error;
      await clock.sleep(pauseMs);
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof SQLiteError && /^SQLITE_BUSY/.test(error.code ?? "");
}
