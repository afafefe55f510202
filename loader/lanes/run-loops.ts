/** Runs the loops of a lane side by side, and ends them together: when told to, or when one of them fails. */
import type { Clock } from "../../core/process/clock.ts";
import type { RunSignals } from "./batches/sender.ts";

export interface LoopsToRun {
  /** Ends them in good order. */
  readonly signal: AbortSignal;
  /** How long that may take. */
  readonly stopMs: number;
  readonly clock: Clock;
  readonly loops: readonly ((signals: RunSignals) => Promise<void>)[];
}

/** Resolves when all have ended after the signal. @throws the first failure of a loop */
export async function runLoops({ signal, stopMs, clock, loops }: LoopsToRun): Promise<void> {
  const soft = new AbortController();
  const hard = new AbortController();
  const over = new AbortController();
  const stop = () => {
    if (soft.signal.aborted) return;
    soft.abort(new Error("the lane is to end"));
    clock.sleep(stopMs, over.signal).then(
      () => hard.abort(new Error("the lane has had its time to end")),
      () => {},
    );
  };
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  const failures: unknown[] = [];
  const signals = { soft: soft.signal, hard: hard.signal };
  const watched = loops.map(async (loop) => {
    try {
      await loop(signals);
    } catch (error) {
      // What an end cuts short is no failure: the cookie says how far it came.
      if (error !== soft.signal.reason && error !== hard.signal.reason) failures.push(error);
      stop();
    }
  });
  await Promise.all(watched);
  over.abort();
  signal.removeEventListener("abort", stop);
  if (failures.length > 0) throw failures[0];
}
