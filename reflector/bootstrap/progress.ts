/** How far a bootstrap is: for the status, and as log lines every few seconds. */
import type { ErrorCode } from "../../core/errors.ts";
import { BOOTSTRAP_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import { isPowerOfTwo } from "../../core/process/repeats.ts";
import type { Sequence } from "../../core/sequence.ts";
import type { FetchProgress } from "../../snapshot/download/contract.ts";
import type { BootstrapStatus, ReflectorReason } from "../state.ts";

type Step = Pick<BootstrapStatus, "phase" | "sequence" | "bytes" | "totalBytes">;

/** What passes in seconds as a rule: a store that is too busy, a role that is not there yet just after a boot. */
const PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "snapshot_store_unavailable",
  "snapshot_store_denied",
]);

const NOTHING = { sequence: null, bytes: 0, totalBytes: 0 };

export class BootstrapProgress {
  readonly #deps: { readonly clock: Clock; readonly logger: Logger; readonly onProgress: () => void };
  #step: Step = { phase: "waiting", ...NOTHING };
  #failedAttempts = 0;
  #failure: ReflectorReason | null = null;
  /** When the need was tried to be met for the first time. */
  #triedMs: number | null = null;
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
    this.#triedMs = null;
    this.enter("waiting");
  }

  /** True while a snapshot may still be had in a moment, which beats filling an empty LDB from the ledger (R28). */
  waitsForStore(cause: BootstrapStatus["cause"]): boolean {
    const { attempts, ms } = BOOTSTRAP_LIMITS.storePatience;
    if (cause !== "empty" || this.#triedMs === null || this.#failure === null) return false;
    const isEarly = this.#failedAttempts < attempts && this.#deps.clock.monotonicMs() - this.#triedMs < ms;
    return isEarly && PASSING.has(this.#failure.code);
  }

  enter(phase: "waiting" | "choosing"): void {
    if (phase === "choosing") this.#triedMs ??= this.#deps.clock.monotonicMs();
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

  /** An attempt placed nothing. Log volume is bounded (R47). */
  failed(reason: ReflectorReason, cause: BootstrapStatus["cause"]): void {
    const isNew = this.#failure?.code !== reason.code;
    this.#failedAttempts += 1;
    this.#failure = reason;
    this.enter("waiting");
    const failedAttempts = this.#failedAttempts;
    // Before the first Supervisor has published, every fresh host finds the store empty and follows the ledger.
    const isFirstStart = cause === "empty" && reason.code === "snapshot_not_found";
    const told = isFirstStart ? "info" : "warn";
    const level = isNew || isPowerOfTwo(failedAttempts) ? told : "debug";
    this.#deps.logger[level]({ cause, reason, failedAttempts }, "bootstrap failed; it is tried again");
  }

  #set(step: Step): void {
    this.#step = step;
    this.#deps.onProgress();
  }
}
