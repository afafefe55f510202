/** Keeps a session, and with it the ledger lock, while this process works for minutes over another connection. */
import type { Clock } from "../../core/process/clock.ts";
import type { MysqlSession } from "./session.ts";

/** Runs a task, during which the server does not end the session's transaction as idle. */
export async function keptAlive<T>(session: MysqlSession, clock: Clock, task: () => Promise<T>): Promise<T> {
  const done = new AbortController();
  const pings = ping(session, clock, done.signal);
  try {
    return await task();
  } finally {
    done.abort();
    await pings;
  }
}

async function ping(session: MysqlSession, clock: Clock, signal: AbortSignal): Promise<void> {
  const intervalMs = (session.timeouts.sessionIdleSeconds * 1000) / 4;
  while (!signal.aborted && !session.broken) {
    await clock.sleep(intervalMs, signal).catch(() => {});
    // When it fails the session is broken, which the commit will find out.
    if (!signal.aborted) await session.run("DO 0").catch(() => {});
  }
}
