/**
 * Says in the log whom limits of rates refuse: once for each writer and window, and of so many writers at most, so that a
 * flood of requests is no flood of lines.
 */
import { RATE_LIMITS } from "../../core/limits.ts";
import type { Logger } from "../../core/process/logger.ts";
import { sequenceToJson as toJson } from "../../core/sequence.ts";
import { FLEET } from "./fleet.ts";
import type { OverBudget } from "./rates.ts";

export class RefusalLog {
  readonly #logger: Logger;
  #window = 0;
  readonly #told = new Set<string>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  refused(writer: string, { code, budget }: OverBudget, window: number): void {
    if (window !== this.#window) this.#told.clear();
    this.#window = window;
    const { scope, rate, used } = budget;
    const name = scope === "fleet" ? FLEET : writer;
    if (this.#told.has(name) || this.#told.size >= RATE_LIMITS.loggedPerWindow) return;
    this.#told.add(name);
    this.#logger.warn(
      {
        scope,
        writer,
        code,
        rowsPerMinute: shown(rate.rows),
        bytesPerMinute: shown(rate.bytes),
        usedRows: shown(used.rows),
      },
      "a limit of rates refuses writes",
    );
  }
}

function shown(amount: bigint | null): number | string | null {
  return amount === null ? null : toJson(amount);
}
