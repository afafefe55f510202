/**
 * Bounds what an outage of the ctldb costs, however many requests arrive meanwhile (R47): attempts to connect, lines in
 * the log, requests that wait.
 *
 * All connections of one store pass here. While an outage is short, whoever needs one waits for the next attempt. When
 * it is longer, one attempt after each pause looks whether the ctldb is back, and all others are answered at once.
 */
import { CtlstoreError, isCtlstoreError, messageOf } from "../../core/errors.ts";
import { CTLDB_CONNECTS } from "../../core/limits.ts";
import { type Backoff, createBackoff } from "../../core/process/backoff.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";

export interface ConnectGateDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Returns 0 ≤ x < 1. */
  readonly random?: () => number;
}

interface Outage {
  readonly sinceMs: number;
  readonly pauses: Backoff;
  /** Attempts that failed. */
  failures: number;
  /** Calls that were answered without an attempt. */
  refusals: number;
  /** When the next attempt may be made. */
  nextMs: number;
  loggedMs: number;
  lastError: unknown;
  /** An attempt is under way that finds out whether it is over. */
  isProbed: boolean;
}

export class ConnectGate {
  readonly #deps: ConnectGateDeps;
  #outage: Outage | null = null;

  constructor(deps: ConnectGateDeps) {
    this.#deps = deps;
  }

  /**
   * Runs an attempt to connect when its time has come.
   * @param signal ends the waiting before it, not the attempt
   * @throws CtlstoreError `ctldb_unavailable` without an attempt during a long outage; what the attempt throws
   */
  async pass<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#awaitTurn(signal);
    const outage = this.#outage;
    if (outage !== null) outage.isProbed = true;
    try {
      const result = await attempt();
      this.#succeeded();
      return result;
    } catch (error) {
      this.#failed(error);
      throw error;
    } finally {
      if (outage !== null) outage.isProbed = false;
    }
  }

  /** For whoever would join an attempt that is under way. @throws CtlstoreError `ctldb_unavailable` during a long outage */
  assertWorthWaiting(): void {
    if (this.#outage !== null && this.#isLong(this.#outage)) throw this.#refusal(this.#outage);
  }

  async #awaitTurn(signal: AbortSignal): Promise<void> {
    const outage = this.#outage;
    if (outage === null) return;
    const waitMs = outage.nextMs - this.#nowMs();
    if (this.#isLong(outage)) {
      if (waitMs > 0 || outage.isProbed) throw this.#refusal(outage);
    } else if (waitMs > 0) {
      await this.#deps.clock.sleep(waitMs, signal);
    }
  }

  #isLong(outage: Outage): boolean {
    return this.#nowMs() - outage.sinceMs > CTLDB_CONNECTS.shortOutageMs;
  }

  #refusal(outage: Outage): CtlstoreError {
    outage.refusals += 1;
    const { lastError } = outage;
    const { hint } = isCtlstoreError(lastError) ? lastError.details : {};
    return new CtlstoreError("ctldb_unavailable", messageOf(lastError), {
      cause: lastError,
      retryAfterSeconds: 1,
      ...(hint === undefined ? {} : { hint }),
    });
  }

  #failed(error: unknown): void {
    const nowMs = this.#nowMs();
    const outage = this.#outage ?? this.#begin(nowMs);
    outage.failures += 1;
    outage.lastError = error;
    // Several connections may have been tried at once: that is one step.
    if (nowMs >= outage.nextMs) outage.nextMs = nowMs + outage.pauses.nextMs();
    this.#tell(outage, nowMs);
  }

  #begin(nowMs: number): Outage {
    const { base, max } = CTLDB_CONNECTS.pauseMs;
    this.#outage = {
      sinceMs: nowMs,
      pauses: createBackoff({ baseMs: base, maxMs: max }, this.#deps.random),
      failures: 0,
      refusals: 0,
      nextMs: nowMs,
      loggedMs: Number.NEGATIVE_INFINITY,
      lastError: null,
      isProbed: false,
    };
    return this.#outage;
  }

  #tell(outage: Outage, nowMs: number): void {
    if (nowMs - outage.loggedMs < CTLDB_CONNECTS.logIntervalMs) return;
    outage.loggedMs = nowMs;
    const { lastError } = outage;
    const { hint } = isCtlstoreError(lastError) ? lastError.details : {};
    this.#deps.logger.warn(
      { reason: messageOf(lastError), ...(hint === undefined ? {} : { hint }), ...this.#figures(outage) },
      "the ctldb is away",
    );
  }

  #succeeded(): void {
    if (this.#outage === null) return;
    this.#deps.logger.info(this.#figures(this.#outage), "the ctldb is there again");
    this.#outage = null;
  }

  #figures({ failures, refusals, sinceMs }: Outage): Record<string, number> {
    return { failures, refusals, awaySeconds: Math.round((this.#nowMs() - sinceMs) / 1000) };
  }

  #nowMs(): number {
    return this.#deps.clock.monotonicMs();
  }
}
