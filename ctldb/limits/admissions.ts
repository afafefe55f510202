/**
 * What decides which writes are admitted, over the life of an Executive: the policy, the sizes of tables, who has used up
 * a window lately, and when old counts were deleted last.
 */
import { isCtlstoreError } from "../../core/errors.ts";
import { RATE_LIMITS } from "../../core/limits.ts";
import type { WriterName } from "../../core/names.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import { RATE_WINDOW_SECONDS } from "../../core/rates.ts";
import type { LockedLedger } from "../store.ts";
import { Admission, type Judged, judgeWrites, type PlannedWrite } from "./admission.ts";
import type { Usage } from "./contract.ts";
import type { CurrentPolicy } from "./current-policy.ts";
import { type FullTables, prepareGrowth } from "./growth.ts";
import { OverBudget } from "./rates.ts";
import { RefusalLog } from "./refusal-log.ts";
import { SpentBudgets } from "./spent-budgets.ts";
import { deleteOldUsage } from "./window-usage.ts";

/** Told of each write that a limit refused. */
export interface RefusalObserver {
  rateLimited(scope: "writer" | "fleet"): void;
  tableFull(): void;
}

export interface AdmissionsDeps {
  readonly policy: CurrentPolicy;
  readonly tables: FullTables;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface AdmissionsOptions {
  /** True: a writer to which no families were ever granted may write none, in place of all. */
  readonly requireGrants: boolean;
  readonly onRefused?: RefusalObserver;
}

/** What outlives a group. */
interface Memory {
  readonly spent: SpentBudgets;
  readonly log: RefusalLog;
  /** The window in which old counts were deleted last. */
  cleaned: number;
}

export class Admissions {
  readonly #deps: AdmissionsDeps;
  readonly #options: AdmissionsOptions;
  readonly #memory: Memory;

  constructor(deps: AdmissionsDeps, options: AdmissionsOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#memory = {
      spent: new SpentBudgets(deps.clock),
      log: new RefusalLog(deps.logger),
      cleaned: Number.NEGATIVE_INFINITY,
    };
  }

  /**
   * Refuses at once what has no chance under the ledger lock; for requests whose credentials are right.
   * @throws OverBudget
   */
  assertNotSpent(writer: WriterName, wanted: Usage): void {
    try {
      this.#memory.spent.assertNotSpent(writer, wanted);
    } catch (error) {
      tell(this.#options.onRefused, error);
      throw error;
    }
  }

  /** After limits were changed here: they hold at once. */
  forgetSpent(): void {
    this.#memory.spent.forget();
  }

  /**
   * @param writes planned with the catalog that holds under the lock
   * @param takenMs when the lock was taken, by the monotonic clock
   */
  async forGroup(
    writes: readonly PlannedWrite[],
    locked: LockedLedger,
    takenMs: number,
  ): Promise<GroupAdmissions> {
    const policy = await this.#deps.policy.under(locked);
    const limitOf = policy.tableLimit.bind(policy);
    const plans = writes.map(({ plan }) => plan);
    const growth = await prepareGrowth(plans, locked, { tables: this.#deps.tables, limitOf });
    const newRound = () => new Admission({ locked, policy, growth: growth() }, this.#options);
    return new GroupAdmissions(newRound, {
      takenMs,
      memory: this.#memory,
      observer: this.#options.onRefused,
    });
  }
}

interface GroupFacts {
  readonly takenMs: number;
  readonly memory: Memory;
  readonly observer: RefusalObserver | undefined;
}

/** The admissions under one ledger lock. */
export class GroupAdmissions {
  readonly #newRound: () => Admission;
  readonly #facts: GroupFacts;
  #window = 0;
  /** True when old counts are deleted with this transaction. */
  #cleans = false;

  constructor(newRound: () => Admission, facts: GroupFacts) {
    this.#newRound = newRound;
    this.#facts = facts;
  }

  /**
   * Judges what waits, from the beginning of the transaction.
   * @param applied what has run in it already
   * @returns also the SQL that counts what is applied and accepted, for the same transaction
   */
  judge<Write extends PlannedWrite>(
    applied: readonly Write[],
    waiting: readonly Write[],
  ): Judged<Write> & { readonly statements: readonly string[] } {
    const admission = this.#newRound();
    const judged = judgeWrites(admission, applied, waiting);
    const counts = admission.usageStatements();
    this.#window = admission.window;
    this.#cleans = counts.length > 0 && this.#isCleaningDue();
    return { ...judged, statements: this.#cleans ? [...counts, deleteOldUsage(this.#window)] : counts };
  }

  /** Also after the ctldb's clock has gone back. */
  #isCleaningDue(): boolean {
    const seconds = Math.abs(this.#window - this.#facts.memory.cleaned);
    return seconds >= RATE_LIMITS.cleanEveryWindows * RATE_WINDOW_SECONDS;
  }

  /** To be told when the transaction has ended well: what was refused is refused for good. */
  ended(failures: ReadonlyMap<PlannedWrite, unknown>): void {
    const { memory, takenMs, observer } = this.#facts;
    if (this.#cleans) memory.cleaned = this.#window;
    for (const [{ request }, error] of failures) {
      tell(observer, error);
      if (!(error instanceof OverBudget)) continue;
      memory.spent.remember(request.writer, error.budget, takenMs);
      memory.log.refused(request.writer, error, this.#window);
    }
  }
}

function tell(observer: RefusalObserver | undefined, error: unknown): void {
  if (!isCtlstoreError(error)) return;
  if (error.code === "table_full") observer?.tableFull();
  if (error.code === "rate_limited" && error instanceof OverBudget) observer?.rateLimited(error.budget.scope);
}
