/**
 * Looks at the Reflector's status about once a second and after each change, judges it, and shows the judgement to
 * whoever wants to know.
 */
import { READINESS_LIMITS, REFLECTOR_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import type { ObservedStatus, Readiness } from "../state.ts";
import type { HostMark } from "./host-mark.ts";
import { type MarkDeps, openMarks } from "./marks.ts";
import type { ReadinessOptions } from "./options.ts";
import { ReadinessRule } from "./readiness.ts";

/** What the Reflector's own pauses have to do with it. */
export interface ReflectorPauses {
  readonly pollIntervalMs: number;
  readonly pollTimeoutMs: number;
  readonly slowBackoffMs: { readonly max: number };
}

export class ReadinessWatch {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #rule: ReadinessRule;
  readonly #marks: readonly HostMark[];
  readonly #stopping = new AbortController();
  #shown: Readiness | null = null;
  #stopped: Promise<unknown> | null = null;

  /** @see openReadiness */
  constructor(deps: Pick<MarkDeps, "clock" | "logger">, rule: ReadinessRule, marks: readonly HostMark[]) {
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#rule = rule;
    this.#marks = marks;
  }

  /** Judges a status, and shows the judgement. Never throws. */
  look(status: ObservedStatus): Readiness {
    const readiness = this.#rule.observe(status);
    if (this.#stopping.signal.aborted) return readiness;
    this.#log(readiness, status);
    for (const mark of this.#marks) mark.show(readiness, status);
    return readiness;
  }

  /** Begins to look by itself. @param tick makes a status and gives it to `look` */
  start(tick: () => void): void {
    const { signal } = this.#stopping;
    const run = async () => {
      while (!signal.aborted) {
        tick();
        await this.#clock.sleep(READINESS_LIMITS.lookIntervalMs, signal).catch(() => {});
      }
    };
    run().catch((error) => this.#logger.error({ err: error }, "readiness is no longer looked at"));
  }

  /** The Reflector ends: the host is no longer marked. Twice is fine. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the Reflector ends"));
    this.#stopped ??= Promise.all(this.#marks.map((mark) => mark.stop()));
    await this.#stopped;
  }

  #log(readiness: Readiness, { state, sequence }: ObservedStatus): void {
    const before = this.#shown;
    this.#shown = readiness;
    const { ready, healthy, lagSeconds } = readiness;
    const fields = { lagSeconds, state, sequence };
    if (ready !== (before?.ready ?? false))
      this.#logger.info(fields, ready ? "host is ready" : "host is no longer ready");
    if (healthy === (before?.healthy ?? false)) return;
    if (healthy) this.#logger.info(fields, "host is healthy");
    else this.#logger.warn(fields, "host is no longer healthy");
  }
}

/**
 * Sets up what the options ask for. Call while holding the writer's lock, and before anything else: what an earlier
 * life of the Reflector left behind says that this host is ready, and it is not.
 * @throws CtlstoreError `config_invalid` when the ready file can never be written
 */
export async function openReadiness(
  deps: MarkDeps,
  options: ReadinessOptions,
  pauses: ReflectorPauses,
): Promise<ReadinessWatch> {
  const longestPauseMs = Math.max(
    pauses.pollIntervalMs * (1 + REFLECTOR_LIMITS.pollJitter),
    pauses.slowBackoffMs.max,
  );
  const hungAfterMs = pauses.pollTimeoutMs + longestPauseMs + READINESS_LIMITS.hungAfterMs;
  const marks = await openMarks(deps, options, { hungAfterMs });
  const wanted = options.lagSeconds ?? READINESS_LIMITS.lagSeconds;
  const least = (READINESS_LIMITS.pollIntervals * pauses.pollIntervalMs) / 1000;
  const rule = new ReadinessRule(deps.clock, {
    lagSeconds: Math.max(wanted, least),
    withoutCtldbSeconds: options.withoutCtldbSeconds ?? READINESS_LIMITS.withoutCtldbSeconds,
  });
  return new ReadinessWatch(deps, rule, marks);
}
