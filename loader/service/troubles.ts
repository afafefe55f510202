/** Troubles of the Kafka client that pass by themselves: counted all, logged now and then (R47). */
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";

const QUIET_MS = 60_000;
/** Texts remembered; addresses of brokers are in them, so there are not many. */
const MOST_TEXTS = 100;

export interface TroublesDeps {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly onTrouble: () => void;
}

export interface Trouble {
  readonly reason: string;
  /** When it was heard of, in milliseconds since 1970. */
  readonly atMs: number;
}

export class Troubles {
  readonly #deps: TroublesDeps;
  readonly #loggedMs = new Map<string, number>();
  #last: Trouble | null = null;

  constructor(deps: TroublesDeps) {
    this.#deps = deps;
  }

  /** The newest; null when there was none. */
  get last(): Trouble | null {
    return this.#last;
  }

  note(texts: readonly string[]): void {
    const { logger, clock, onTrouble } = this.#deps;
    for (const reason of texts) {
      onTrouble();
      this.#last = { reason, atMs: Math.round(clock.nowUs() / 1000) };
      const nowMs = clock.monotonicMs();
      if (nowMs - (this.#loggedMs.get(reason) ?? Number.NEGATIVE_INFINITY) < QUIET_MS) continue;
      if (this.#loggedMs.size >= MOST_TEXTS) this.#loggedMs.clear();
      this.#loggedMs.set(reason, nowMs);
      logger.warn({ reason }, "trouble with Kafka; the client goes on by itself");
    }
  }
}
