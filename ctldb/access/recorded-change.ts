/**
 * A change of the ctldb's own tables: one transaction under the ledger lock, with its entry in the audit trail. So no write
 * sees half of it, two changes come one after the other, and nothing is changed that the trail does not have.
 */
import type { Clock } from "../../core/process/clock.ts";
import type { LedgerAccess } from "../ledger-access.ts";
import type { LockedLedger } from "../store.ts";
import { audited } from "./audit-entry.ts";
import type { AuditRecord, ChangeOptions } from "./contract.ts";

export interface ChangeDeps {
  readonly ledger: LedgerAccess;
  readonly clock: Clock;
  /**
   * To be asked before the store is, for reading too: one that is used after its end would connect again.
   * @throws CtlstoreError `ctldb_unavailable` once the ctldb is being closed
   */
  readonly assertOpen: () => void;
}

/** What a change does; null when there is nothing to do. */
export interface RecordedChange {
  /** SQL that is the same for every database. */
  readonly statements: readonly string[];
  readonly record: AuditRecord;
  /** True for limits: every Executive loads them anew before its next write. */
  readonly changesPolicy?: boolean;
}

/**
 * @param decide looks at what holds under the lock; what it throws changes nothing
 * @throws CtlstoreError what `decide` and `options.judge` throw, `ctldb_unavailable`, `commit_outcome_unknown`
 */
export async function recordedChange(
  { ledger, clock, assertOpen }: ChangeDeps,
  decide: (locked: LockedLedger) => Promise<RecordedChange | null>,
  options?: ChangeOptions,
): Promise<void> {
  assertOpen();
  await ledger.withLock(async (locked) => {
    const change = await decide(locked);
    if (change === null) return locked.rollback();
    const { record, statements } = change;
    const audit = await audited(locked, [record], { atUs: clock.nowUs(), statements });
    await locked.commit([], {
      entries: [],
      head: locked.head,
      cookies: [],
      newFamilies: [],
      ...audit,
      changesPolicy: change.changesPolicy ?? false,
    });
  }, options);
}
