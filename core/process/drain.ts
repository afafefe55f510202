/** The end of a service that answers requests: those under way are waited for, for a limited time. */
import type { Clock } from "./clock.ts";
import type { Logger } from "./logger.ts";

const LOOK_MS = 10;

/** Resolves when nothing is under way any more, or the time is up. Call it when no new requests are let in. */
export async function drain(
  pendingRequests: () => number,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  drainMs: number,
): Promise<void> {
  const deadlineMs = clock.monotonicMs() + drainMs;
  while (pendingRequests() > 0) {
    if (clock.monotonicMs() > deadlineMs) {
      logger.warn({ requests: pendingRequests() }, "stopped with requests under way");
      return;
    }
    await clock.sleep(LOOK_MS);
  }
}
