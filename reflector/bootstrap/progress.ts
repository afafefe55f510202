/** How far a bootstrap is: for the status, and as log lines every few seconds. */
import { BOOTSTRAP_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import type { Sequence } from "../../core/sequence.ts";
import type { FetchProgress } from "../../snapshot/download/contract.ts";
import type { BootstrapStatus, ReflectorReason } from "../state.ts";

type Step = Pick<BootstrapStatus, "phase" | "sequence" | "bytes" | "totalBytes">;

const NOTHING = { sequence: null, bytes: 0, totalBytes: 0 };

export class BootstrapProgress {
  readonly #deps: { readonly clock: Clock; readonly logger: Logger; readonly onProgress: () => void };
  #step: Step = { phase: "waiting", ...NOTHING };
  #failedAttempts = 0;
  #failure: ReflectorReason | null = null;
  #loggedMs = Number.NEGATIVE_INFINITY;

  constructor(deps: { readonly clock: Clock; readonly logger: Logger; readonly onProgress: () => void }) {
    this.#deps = deps;
  }

  status(cause: BootstrapStatus["cause"]): BootstrapStatus {
    return { cause, ...this.#step, failedAttempts: this.#failedAttempts, failure: this.#failure };
  }

  /** A new need: nothing was tried for it yet. */
  begin(): void {
    this.#failedAttempts = 0;
    this.#failure = null;
    this.enter("waiting");
  }

  enter(phase: "waiting" | "choosing"): void {
    this.#set({ phase, ...NOTHING });
  }

  place(): void {
    this.#set({ ...this.#step, phase: "placing" });
  }

  fetching(sequence: Sequence, { phase, bytes, totalBytes }: FetchProgress): void {
    const isNewPhase = phase !== this.#step.phase;
    this.#set({ phase, sequence, bytes, totalBytes });
    const nowMs = this.#deps.clock.monotonicMs();
    if (!isNewPhase && nowMs - this.#loggedMs < BOOTSTRAP_LIMITS.logIntervalMs) return;
    this.#loggedMs = nowMs;
    const percent = totalBytes === 0 ? 100 : Math.floor((bytes * 100) / totalBytes);
    this.#deps.logger.info({ sequence, phase, bytes, totalBytes, percent }, "bootstrapping");
  }

  failed(reason: ReflectorReason): void {
    this.#failedAttempts += 1;
    this.#failure = reason;
    this.enter("waiting");
  }

  #set(step: Step): void {
    this.#step = step;
    this.#deps.onProgress();
  }
}
