/**
 * Counts and logs why nothing is published, with bounded volume (R47): a refusal when it is new and then once an
 * interval, a failure when its code is new and then at the second, fourth, eighth … in a row.
 */
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import { isPowerOfTwo } from "../../core/process/repeats.ts";
import type { SupervisorMetrics } from "./metrics.ts";
import type { SupervisorReason } from "./state.ts";

export interface TroubleLogDeps {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly metrics: Pick<SupervisorMetrics, "failures" | "refused">;
}

export class TroubleLog {
  readonly #deps: TroubleLogDeps;
  readonly #intervalMs: number;
  readonly #codes = new Set<string>();
  #failures = 0;
  #refusal: string | null = null;
  #refusalLoggedMs = 0;

  constructor(deps: TroubleLogDeps, intervalMs: number) {
    this.#deps = deps;
    this.#intervalMs = intervalMs;
  }

  /** @param kind the same for refusals of which one is as good as the other; their messages may count something */
  refused(reason: SupervisorReason, kind: string): void {
    const nowMs = this.#deps.clock.monotonicMs();
    if (this.#refusal === kind && nowMs - this.#refusalLoggedMs < this.#intervalMs) return;
    this.#refusal = kind;
    this.#refusalLoggedMs = nowMs;
    this.#deps.metrics.refused.inc();
    this.#deps.logger.warn({ reason }, "no snapshot is published");
  }

  failed(reason: SupervisorReason): void {
    const isNew = !this.#codes.has(reason.code);
    this.#codes.add(reason.code);
    this.#failures += 1;
    this.#deps.metrics.failures.inc();
    if (!isNew && !isPowerOfTwo(this.#failures)) return;
    this.#deps.logger.warn({ reason, failures: this.#failures }, "no snapshot could be published");
  }

  succeeded(): void {
    if (this.#failures === 0 && this.#refusal === null) return;
    this.#deps.logger.info(
      { codes: [...this.#codes], failures: this.#failures },
      "snapshots are possible again",
    );
    this.#codes.clear();
    this.#failures = 0;
    this.#refusal = null;
  }
}
