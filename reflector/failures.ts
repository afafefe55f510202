/**
 * What a failure means for a Reflector: which state it shows, how soon it tries again, whether it can go on at all.
 *
 * Log volume is bounded (R47): a failure is logged when it is new, then at the second, fourth, eighth … in a row.
 */
import { type ErrorCode, isCtlstoreError, messageOf } from "../core/errors.ts";
import type { Logger } from "../core/process/logger.ts";
import { isPowerOfTwo } from "../core/process/repeats.ts";
import type { ReflectorReason, ReflectorState } from "./state.ts";

export interface FailurePolicy {
  /** Null: the process cannot go on. */
  readonly state: Extract<ReflectorState, "stuck" | "diverged"> | null;
  /** `backoff`: soon, then ever later. `poll`: at the poll interval. `slow`: only now and then. */
  readonly retry: "backoff" | "poll" | "slow";
}

const FATAL: FailurePolicy = { state: null, retry: "slow" };
const AWAY: FailurePolicy = { state: "stuck", retry: "backoff" };
const DIVERGED: FailurePolicy = { state: "diverged", retry: "slow" };

const POLICIES: Partial<Record<ErrorCode, FailurePolicy>> = {
  ctldb_unavailable: AWAY,
  overloaded: AWAY,
  ldb_disk_full: AWAY,
  ldb_unavailable: AWAY,
  // A replica that lags comes back by itself (R3).
  ledger_behind: { state: "stuck", retry: "poll" },
  // It may be a repaired ledger one day, and never within a second (D10).
  statement_refused: { state: "stuck", retry: "slow" },
  ctldb_incompatible: { state: "stuck", retry: "slow" },
  ledger_malformed: DIVERGED,
  ledger_gap: DIVERGED,
  ledger_hash_mismatch: DIVERGED,
  ledger_epoch_mismatch: DIVERGED,
  ledger_too_old: DIVERGED,
};

/** What is not listed is fatal: a damaged or vanished LDB, a second writer, a defect of ours. */
export function policyFor(error: unknown): FailurePolicy {
  return isCtlstoreError(error) ? (POLICIES[error.code] ?? FATAL) : FATAL;
}

export function reasonOf(error: unknown): ReflectorReason {
  if (!isCtlstoreError(error)) {
    return { code: "internal", message: messageOf(error) };
  }
  const { hint, sequence } = error.details;
  return {
    code: error.code,
    message: error.message,
    ...(hint === undefined ? {} : { hint }),
    ...(sequence === undefined ? {} : { sequence }),
  };
}

export class FailureLog {
  readonly #logger: Logger;
  readonly #codes = new Set<ErrorCode>();
  #count = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Failures since the last success. */
  get count(): number {
    return this.#count;
  }

  failed(reason: ReflectorReason, state: ReflectorState): void {
    const isNew = !this.#codes.has(reason.code);
    this.#codes.add(reason.code);
    this.#count += 1;
    if (!isNew && !isPowerOfTwo(this.#count)) return;
    const fields = { reason, state, failures: this.#count };
    if (state === "diverged" || reason.code === "statement_refused") {
      this.#logger.error(fields, "reflector stopped before an entry");
    } else {
      this.#logger.warn(fields, "reflector cannot go on just now");
    }
  }

  succeeded(): void {
    if (this.#count === 0) return;
    this.#logger.info({ codes: [...this.#codes], failures: this.#count }, "reflector goes on");
    this.#codes.clear();
    this.#count = 0;
  }
}
