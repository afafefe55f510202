/**
 * The policy that holds under the ledger lock. A change made by any Executive of ours is seen at once, by its version; one
 * made by somebody else, such as the original's Executive, within a second.
 */
import { RATE_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { LedgerStore, LockedLedger } from "../store.ts";
import type { LimitDefaults } from "./contract.ts";
import { Policy, SELECT_OVERRIDES } from "./policy.ts";

export interface CurrentPolicyDeps {
  readonly store: Pick<LedgerStore, "query">;
  readonly clock: Clock;
}

export class CurrentPolicy {
  readonly #deps: CurrentPolicyDeps;
  readonly #defaults: LimitDefaults;
  #known: { readonly policy: Policy; readonly version: bigint; readonly loadedMs: number } | null = null;

  constructor(deps: CurrentPolicyDeps, defaults: LimitDefaults) {
    this.#deps = deps;
    this.#defaults = defaults;
  }

  /** What holds for writes under this lock. */
  async under(locked: Pick<LockedLedger, "policyVersion" | "query">): Promise<Policy> {
    const nowMs = this.#deps.clock.monotonicMs();
    const known = this.#known;
    const isCurrent =
      known?.version === locked.policyVersion && nowMs - known.loadedMs < RATE_LIMITS.policyAgeMs;
    if (isCurrent) return known.policy;
    const policy = new Policy(await locked.query(SELECT_OVERRIDES), this.#defaults);
    this.#known = { policy, version: locked.policyVersion, loadedMs: nowMs };
    return policy;
  }

  /** As last committed, without the lock. @throws CtlstoreError `ctldb_unavailable` */
  async newest(): Promise<Policy> {
    return new Policy(await this.#deps.store.query(SELECT_OVERRIDES), this.#defaults);
  }
}
