/** Gives up work in which nothing has moved for too long (I13): while it goes on, the ledger is not followed. */
import type { Clock } from "../../core/process/clock.ts";

export interface SignOfLifeOptions {
  readonly clock: Clock;
  /** Ends the work. */
  readonly signal: AbortSignal;
  /** How long nothing may move, as it is now. */
  readonly silenceMs: () => number;
  readonly giveUp: (silentMs: number) => Error;
}

/**
 * @param work ends with the signal that it is given, and calls `moved` at each sign of life
 * @throws what the work throws, and what `giveUp` makes
 */
export async function whileItMoves<T>(
  { clock, signal, silenceMs, giveUp }: SignOfLifeOptions,
  work: (signal: AbortSignal, moved: () => void) => Promise<T>,
): Promise<T> {
  let movedMs = clock.monotonicMs();
  const over = new AbortController();
  const given = new AbortController();
  const watch = async () => {
    for (;;) {
      const limitMs = silenceMs();
      const leftMs = movedMs + limitMs - clock.monotonicMs();
      if (leftMs <= 0) return given.abort(giveUp(limitMs));
      await clock.sleep(leftMs, over.signal);
    }
  };
  watch().catch(() => {}); // the work is over
  try {
    return await work(AbortSignal.any([signal, given.signal]), () => {
      movedMs = clock.monotonicMs();
    });
  } catch (error) {
    signal.throwIfAborted();
    given.signal.throwIfAborted();
    throw error;
  } finally {
    over.abort(new Error("the work is over"));
  }
}
