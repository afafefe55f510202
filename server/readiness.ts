/**
 * Whether a write could be taken now.
 *
 * Anybody may ask, as often as he likes, so that the ctldb is asked once for all who ask at about the same time.
 */
import { EXECUTIVE_LIMITS } from "../core/limits.ts";
import type { Clock } from "../core/process/clock.ts";
import type { CtlDb } from "../ctldb/contract.ts";

export class Readiness {
  readonly #deps: { readonly ctldb: CtlDb; readonly clock: Clock };
  #asked: Promise<unknown> | null = null;
  /** Until when the answer counts; without end while it is not there. */
  #untilMs = 0;

  constructor(deps: { readonly ctldb: CtlDb; readonly clock: Clock }) {
    this.#deps = deps;
  }

  /** @throws CtlstoreError of the ctldb */
  async check(): Promise<void> {
    if (this.#asked === null || this.#deps.clock.monotonicMs() >= this.#untilMs) {
      this.#untilMs = Number.POSITIVE_INFINITY;
      this.#asked = this.#ask();
    }
    await this.#asked;
  }

  async #ask(): Promise<void> {
    try {
      await this.#deps.ctldb.status();
    } finally {
      this.#untilMs = this.#deps.clock.monotonicMs() + EXECUTIVE_LIMITS.readyCacheMs;
    }
  }
}
