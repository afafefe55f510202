/**
 * The life of a service: it runs until it is asked to stop, which ends well, or until it cannot go on, which does not.
 *
 * Stopping has a limit: what has not ended by then is given up and the exit code says so (I13, D20).
 */
import { setTimeout as delay } from "node:timers/promises";
import type { CommandContext } from "./command.ts";

/**
 * Longer than an Executive waits for the requests under way (30 s), and shorter than systemd's 90 s, to say what hung.
 * Kubernetes kills after 30 s unless told otherwise.
 */
const STOP_LIMIT_MS = 40_000;

export interface Service {
  /** For the message when it does not end. */
  readonly name: string;
  /** Rejects when the service cannot go on; services that never give up have none. */
  readonly done?: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Waits for the stop signal or for the first service that gives up, then stops all of them, the last started first.
 * @throws what a service gave up with
 */
export async function runUntilStopped(
  context: Pick<CommandContext, "stopSignal">,
  services: readonly Service[],
): Promise<void> {
  const stopped = aborted(context.stopSignal());
  try {
    await Promise.race([stopped, ...services.flatMap(({ done }) => (done === undefined ? [] : [done]))]);
  } catch (error) {
    // Why it all ends matters more than what then would not stop.
    await stopAll(services).catch(() => {});
    throw error;
  }
  await stopAll(services);
}

/**
 * Stops services in the reverse order of their start, each of them, also after one that would not stop.
 * @throws what the first of those failed with
 */
export async function stopAll(services: readonly Service[], limitMs = STOP_LIMIT_MS): Promise<void> {
  const failures: unknown[] = [];
  for (const service of [...services].reverse()) {
    await stopWithin(service, limitMs).catch((error) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}

async function stopWithin(service: Service, limitMs: number): Promise<void> {
  const timer = new AbortController();
  const expired = delay(limitMs, "expired" as const, { signal: timer.signal }).catch(
    () => "cancelled" as const,
  );
  try {
    const outcome = await Promise.race([service.stop().then(() => "stopped" as const), expired]);
    if (outcome === "expired")
      throw new Error(`the ${service.name} did not stop within ${limitMs / 1000} seconds`);
  } finally {
    timer.abort();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
