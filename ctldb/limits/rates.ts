/** Whether a write fits into what is left of a window: of its writer's, and of the fleet's. */
import { CtlstoreError, type ErrorCode, type ErrorDetails, quote } from "../../core/errors.ts";
import type { Rate } from "../../core/rates.ts";
import type { Usage } from "./contract.ts";

/** What one writer, or the whole fleet, may write in a window, and what was written in it. */
export interface Budget {
  readonly scope: "writer" | "fleet";
  readonly rate: Rate;
  readonly used: Usage;
  /** Until the window ends. */
  readonly secondsLeft: number;
}

/** Too little is left of the window; the next one may do. */
export class RateLimited extends CtlstoreError {
  readonly budget: Budget;

  constructor(message: string, budget: Budget) {
    super("rate_limited", message, {
      retryAfterSeconds: budget.secondsLeft,
      hint: "send it again in the next minute, or ask an admin for a higher limit",
    });
    this.budget = budget;
  }
}

/**
 * @throws RateLimited
 * @throws CtlstoreError `too_many_mutations`, `request_too_large` for what no window can take; `not_granted` for a limit
 *   of 0
 */
export function assertWithinBudget(budget: Budget, writer: string, wanted: Usage): void {
  assertFits("rows", budget, writer, wanted);
  assertFits("bytes", budget, writer, wanted);
}

function assertFits(unit: "rows" | "bytes", budget: Budget, writer: string, wanted: Usage): void {
  const { scope, rate, used } = budget;
  const limit = rate[unit];
  if (limit === null || wanted[unit] === 0n || used[unit] + wanted[unit] <= limit) return;
  const cannot = `Cannot write ${wanted[unit]} ${unit} as writer ${quote(writer)}`;
  if (limit === 0n) throw switchedOff(cannot, scope);
  const allowed = `${scope === "writer" ? "it" : "all writers together"} may write ${limit} a minute`;
  if (wanted[unit] > limit) throw tooLarge(unit, `${cannot}: ${allowed}`);
  throw new RateLimited(`${cannot}: ${allowed}, and ${used[unit]} are written in this one`, budget);
}

function switchedOff(cannot: string, scope: Budget["scope"]): CtlstoreError {
  const by = scope === "writer" ? "for this writer by its limit of 0" : "for all by the fleet's limit of 0";
  return new CtlstoreError("not_granted", `${cannot}: writing is switched off ${by}`, {
    hint: "an admin changes limits with POST /limits/writers/{writer} and POST /limits/fleet",
  });
}

/** Codes by which a loader makes its batches smaller. */
const TOO_LARGE = { rows: "too_many_mutations", bytes: "request_too_large" } as const satisfies Record<
  string,
  ErrorCode
>;

function tooLarge(unit: "rows" | "bytes", message: string): CtlstoreError {
  const details: ErrorDetails = {
    hint: `a request of more ${unit} than the limit of a whole minute never passes: send smaller ones, or ask an admin for a higher limit`,
  };
  return new CtlstoreError(TOO_LARGE[unit], message, details);
}
