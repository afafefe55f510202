/** Runs the phases of freezing one after the other: says how far they are, and how long each took. */

import { SNAPSHOT_LIMITS } from "../../core/limits.ts";
import { turnOfEventLoop } from "../../core/process/turn.ts";
import { FREEZE_PHASES, type FreezePhase, type FreezeProgress } from "./contract.ts";

type Work<T> = (onProgress: (done: number) => void) => T | Promise<T>;

export class PhaseReporter {
  readonly signal: AbortSignal;
  readonly #report: (progress: FreezeProgress) => void;
  readonly #seconds = new Map<FreezePhase, number>();

  constructor(signal: AbortSignal, report: (progress: FreezeProgress) => void) {
    this.signal = signal;
    this.#report = report;
  }

  get seconds(): Readonly<Record<FreezePhase, number>> {
    const entries = FREEZE_PHASES.map((phase) => [phase, this.#seconds.get(phase) ?? 0]);
    return Object.fromEntries(entries) as Record<FreezePhase, number>; // one entry per phase
  }

  async run<T>(phase: FreezePhase, total: number | null, work: Work<T>): Promise<T> {
    this.#report({ phase, done: 0, total });
    // Some phases are one long call: before it, a turn of the event loop for a stop that was asked for.
    await turnOfEventLoop();
    this.signal.throwIfAborted();
    const startedMs = performance.now();
    let reportedMs = startedMs;
    const result = await work((done) => {
      if (performance.now() - reportedMs < SNAPSHOT_LIMITS.progressIntervalMs) return;
      reportedMs = performance.now();
      this.#report({ phase, done, total });
    });
    this.#seconds.set(phase, (performance.now() - startedMs) / 1000);
    return result;
  }
}
