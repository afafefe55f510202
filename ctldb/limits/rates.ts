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

/** What a budget has no room for: now, or ever. */
export class OverBudget extends CtlstoreError {
  readonly budget: Budget;

  constructor(code: OverBudgetCode, message: string, budget: Budget, details: ErrorDetails) {
    super(code, message, details);
    this.budget = budget;
  }
}

type OverBudgetCode = Extract<
  ErrorCode,
  | "rate_limited" // the next window may do, or a higher limit
  | "too_many_mutations" // no window can take so many rows
  | "request_too_large" // no window can take so many bytes
  | "not_granted" // the limit is 0
>;

/** Codes by which senders make smaller batches. */
const TOO_LARGE = { rows: "too_many_mutations", bytes: "request_too_large" } as const;

/** @throws OverBudget */
export function assertWithinBudget(budget: Budget, writer: string, wanted: Usage): void {
  assertFits("rows", budget, writer, wanted);
  assertFits("bytes", budget, writer, wanted);
}

function assertFits(unit: "rows" | "bytes", budget: Budget, writer: string, wanted: Usage): void {
  const { scope, rate, used, secondsLeft } = budget;
  const limit = rate[unit];
  if (limit === null || wanted[unit] === 0n || used[unit] + wanted[unit] <= limit) return;
  const what = wanted[unit] === 1n ? `a ${unit.slice(0, -1)}` : `${wanted[unit]} ${unit}`;
  const cannot = `Cannot write ${what} as writer ${quote(writer)}`;
  if (limit === 0n) {
    const by = scope === "writer" ? "for this writer by its limit of 0" : "for all by the fleet's limit of 0";
    throw new OverBudget("not_granted", `${cannot}: writing is switched off ${by}`, budget, {
      hint: "an admin changes limits with POST /limits/writers/{writer} and POST /limits/fleet",
    });
  }
  const allowed = `${scope === "writer" ? "it" : "all writers together"} may write ${limit} a minute`;
  const isTooMuch = wanted[unit] > limit;
  // One row cannot be made smaller, and is no bad one: to be taken for that would lose it.
  if (isTooMuch && wanted.rows > 1n) {
    throw new OverBudget(TOO_LARGE[unit], `${cannot}: ${allowed}`, budget, {
      hint: `a request of more ${unit} than the limit of a whole minute never passes: send smaller ones, or ask an admin for a higher limit`,
    });
  }
  const state = isTooMuch ? allowed : `${allowed}, and ${used[unit]} are written in this one`;
  throw new OverBudget("rate_limited", `${cannot}: ${state}`, budget, {
    retryAfterSeconds: secondsLeft,
    hint: isTooMuch
      ? `a row of more ${unit} than the limit of a whole minute passes when an admin has set a higher one`
      : "send it again in the next minute, or ask an admin for a higher limit",
  });
}
