/**
 * Keeps the host's status in ECS equal to its health: told on change only, again and again until it is acknowledged,
 * and always the newest one.
 *
 * Calls go one after the other: a late answer to an older one can then never undo a newer one. It is left as it is when
 * the Reflector ends, since a restart takes seconds and the next process says what is true then.
 */
import { READINESS_LIMITS } from "../../core/limits.ts";
import { type Backoff, createBackoff } from "../../core/process/backoff.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import { reasonOf } from "../failures.ts";
import type { Readiness } from "../state.ts";
import type { EcsStatus, StatusAttribute } from "./ecs.ts";
import type { HostMark } from "./host-mark.ts";

export interface EcsMarkDeps {
  readonly attribute: StatusAttribute;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
}

export class EcsMark implements HostMark {
  readonly #deps: EcsMarkDeps;
  readonly #backoff: Backoff;
  readonly #stopping = new AbortController();
  #wanted: EcsStatus = "unhealthy";
  /** What ECS said that it has; null when nobody knows. */
  #acknowledged: EcsStatus | null = null;
  #delivery: Promise<void> | null = null;

  constructor(deps: EcsMarkDeps) {
    this.#deps = deps;
    const { base, max } = READINESS_LIMITS.ecs.backoffMs;
    this.#backoff = createBackoff({ baseMs: base, maxMs: max }, deps.random);
  }

  show({ healthy }: Readiness): void {
    this.#wanted = healthy ? "healthy" : "unhealthy";
    if (this.#acknowledged === this.#wanted || this.#delivery !== null) return;
    this.#delivery = this.#deliver(this.#stopping.signal).finally(() => {
      this.#delivery = null;
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the Reflector ends"));
    await this.#delivery;
    this.#deps.attribute.close();
  }

  async #deliver(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#acknowledged !== this.#wanted) {
      const status = this.#wanted;
      // From here on it may have been set, whatever the answer.
      this.#acknowledged = null;
      try {
        await this.#deps.attribute.put(status, signal);
        this.#acknowledged = status;
        this.#deps.logger.info({ status }, "ECS has the status of this host");
        this.#backoff.reset();
      } catch (error) {
        if (signal.aborted) return;
        this.#report(error, status);
        await this.#deps.clock.sleep(this.#backoff.nextMs(), signal).catch(() => {});
      }
    }
  }

  /** At the first, second, fourth, eighth … failure in a row (R47). */
  #report(error: unknown, status: EcsStatus): void {
    const failures = this.#backoff.attempts + 1;
    if ((failures & (failures - 1)) !== 0) return;
    this.#deps.logger.warn(
      { reason: reasonOf(error), status, failures },
      "ECS does not have the status of this host",
    );
  }
}
