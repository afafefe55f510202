/**
 * Judges the writes of one group in order of arrival, each against the state that those before it leave (I3): who it is and
 * what it may write (D22), the cookie, the rates, the sizes of tables. What is refused leaves no trace.
 */
import { CtlstoreError } from "../../core/errors.ts";
import type { WriterName } from "../../core/names.ts";
import { assertGranted } from "../access/grants.ts";
import { assertCredentials } from "../access/secrets.ts";
import type { WriteRequest } from "../contract.ts";
import type { WritePlan } from "../plan-write.ts";
import type { LockedLedgerState } from "../store.ts";
import type { Usage } from "./contract.ts";
import { FLEET } from "./fleet.ts";
import type { GrowthJudge } from "./growth.ts";
import type { Policy } from "./policy.ts";
import { assertWithinBudget } from "./rates.ts";
import { WindowUsage } from "./window-usage.ts";

/** A request with what it means for the tables. */
export interface PlannedWrite {
  readonly request: WriteRequest;
  readonly plan: WritePlan;
}

export interface AdmissionDeps {
  readonly locked: LockedLedgerState;
  readonly policy: Policy;
  readonly growth: GrowthJudge;
}

export class Admission {
  readonly #deps: AdmissionDeps;
  readonly #requireGrants: boolean;
  readonly #cookies = new Map<WriterName, Uint8Array>();
  readonly #usage: WindowUsage;

  constructor(deps: AdmissionDeps, { requireGrants }: { readonly requireGrants: boolean }) {
    this.#deps = deps;
    this.#requireGrants = requireGrants;
    this.#usage = new WindowUsage(deps.locked);
  }

  /** Takes a write that has run in this transaction already. */
  take(write: PlannedWrite): void {
    this.#deps.growth.take(write.plan);
    this.#count(write);
  }

  /** Its cookie and what it uses count for the writes that come after it. */
  #count({ request: { writer, cookie }, plan }: PlannedWrite): void {
    if (cookie !== undefined) this.#cookies.set(writer, cookie);
    if (plan.operations.length === 0) return;
    const used = useOf(plan);
    this.#usage.add(writer, used);
    this.#usage.add(FLEET, used);
  }

  /**
   * Takes the write, or throws and takes nothing. The cookie comes before the limits, so that who sends a batch again that
   * was applied already is told so.
   * @throws CtlstoreError `bad_credentials`, `not_granted`, `cookie_conflict`, `rate_limited`, `too_many_mutations`,
   *   `request_too_large`, `table_full`
   */
  admit(write: PlannedWrite): void {
    const { writer, secret, family, checkCookie } = write.request;
    const { locked, growth } = this.#deps;
    const record = locked.writers.get(writer) ?? null;
    assertCredentials(record, writer, secret, locked.nowSeconds);
    assertGranted(record, family, { requireGrants: this.#requireGrants });
    assertCookie(this.#cookies.get(writer) ?? record.cookie, checkCookie);
    this.#assertRates(write);
    growth.assertMayGrow(write.plan);
    this.#count(write);
  }

  /** Unix seconds. */
  get window(): number {
    return this.#usage.window;
  }

  /** SQL that stores what is used of the window, for the same transaction. */
  usageStatements(): string[] {
    return this.#usage.statements();
  }

  #assertRates({ request: { writer }, plan }: PlannedWrite): void {
    if (plan.operations.length === 0) return;
    const { policy } = this.#deps;
    const { secondsLeft } = this.#usage;
    const wanted = useOf(plan);
    const own = {
      scope: "writer",
      rate: policy.rateOf(writer),
      used: this.#usage.of(writer),
      secondsLeft,
    } as const;
    assertWithinBudget(own, writer, wanted);
    const fleet = { scope: "fleet", rate: policy.fleet, used: this.#usage.of(FLEET), secondsLeft } as const;
    assertWithinBudget(fleet, writer, wanted);
  }
}

/** What a write uses of a window: its mutations, deletes too, and the bytes of their ledger statements. */
export function useOf({ operations, bytes }: WritePlan): Usage {
  return { rows: BigInt(operations.length), bytes: BigInt(bytes) };
}

export interface Judged<Write> {
  readonly accepted: Write[];
  /** Why the others were refused. */
  readonly failures: Map<Write, unknown>;
}

/** @param applied what has run in this transaction already; @param waiting what is to be judged */
export function judgeWrites<Write extends PlannedWrite>(
  admission: Admission,
  applied: readonly Write[],
  waiting: readonly Write[],
): Judged<Write> {
  for (const write of applied) admission.take(write);
  const failures = new Map<Write, unknown>();
  const accepted = waiting.filter((write) => {
    try {
      admission.admit(write);
      return true;
    } catch (error) {
      failures.set(write, error);
      return false;
    }
  });
  return { accepted, failures };
}

function assertCookie(stored: Uint8Array, expected: Uint8Array | undefined): void {
  if (expected === undefined || Buffer.compare(stored, expected) === 0) return;
  throw new CtlstoreError("cookie_conflict", "Cannot write: check_cookie is not the stored cookie", {
    hint: "read the cookie again: another process writes under this name, or this batch was applied before",
  });
}
