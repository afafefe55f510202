/**
 * Remembers for a moment whose budget was too small, so that a flood of requests is refused before it takes a place in the
 * queue or the time of the ledger lock from others (R34).
 *
 * It refuses only what would be refused under the lock: within a window use never goes down, and a limit that another
 * Executive has raised meanwhile is seen when the moment is over.
 */
import { RATE_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Usage } from "./contract.ts";
import { FLEET } from "./fleet.ts";
import { assertWithinBudget, type Budget } from "./rates.ts";

interface Spent {
  readonly budget: Budget;
  /** When the ledger lock was taken under which it was seen. */
  readonly seenMs: number;
}

export class SpentBudgets {
  readonly #clock: Clock;
  /** By writer, or under the fleet's name; the one that was seen first comes first. */
  readonly #spent = new Map<string, Spent>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  remember(writer: string, budget: Budget, seenMs: number): void {
    const name = budget.scope === "fleet" ? FLEET : writer;
    this.#spent.delete(name);
    this.#spent.set(name, { budget, seenMs });
    for (const [other, spent] of this.#spent) {
      if (seenMs - spent.seenMs < RATE_LIMITS.spentMs) break;
      this.#spent.delete(other);
    }
  }

  /** After a change of limits: what it allows is not known any more. */
  forget(): void {
    this.#spent.clear();
  }

  /** @throws OverBudget */
  assertNotSpent(writer: string, wanted: Usage): void {
    if (this.#spent.size === 0) return;
    for (const name of [writer, FLEET]) {
      const budget = this.#budgetOf(name);
      if (budget !== null) assertWithinBudget(budget, writer, wanted);
    }
  }

  /** Null when nothing is known for certain: a second that was read had begun before. */
  #budgetOf(name: string): Budget | null {
    const spent = this.#spent.get(name);
    if (spent === undefined) return null;
    const ageMs = this.#clock.monotonicMs() - spent.seenMs;
    const secondsLeft = spent.budget.secondsLeft - Math.ceil(ageMs / 1000);
    if (ageMs < RATE_LIMITS.spentMs && secondsLeft >= 1) return { ...spent.budget, secondsLeft };
    this.#spent.delete(name);
    return null;
  }
}
