/**
 * A change of the ctldb's own tables: one transaction under the ledger lock, with its entry in the audit trail. So no write
 * sees half of it, two changes come one after the other, and nothing is changed that the trail does not have.
 */
import { randomBytes } from "node:crypto";
import { stringifyJson } from "../../core/exact-json.ts";
import { ACCESS_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import { textLiteral } from "../../core/sql/literals.ts";
import type { LedgerAccess } from "../ledger-access.ts";
import type { LedgerTail, LockedLedger } from "../store.ts";
import type { AuditRecord } from "./contract.ts";

export interface ChangeDeps {
  readonly ledger: LedgerAccess;
  readonly clock: Clock;
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
 * @throws CtlstoreError what `decide` throws, `ctldb_unavailable`, `commit_outcome_unknown`
 */
export function recordedChange(
  { ledger, clock }: ChangeDeps,
  decide: (locked: LockedLedger) => Promise<RecordedChange | null>,
): Promise<void> {
  return ledger.withLock(async (locked) => {
    const change = await decide(locked);
    if (change === null) return locked.rollback();
    await locked.commit([], {
      entries: [],
      head: locked.head,
      cookies: [],
      newFamilies: [],
      ...audited(change.record, clock.nowUs(), change.statements),
      changesPolicy: change.changesPolicy ?? false,
    });
  });
}

/** The part of a ledger transaction's tail that puts an entry into the audit trail, after other statements. */
export function audited(
  { actor, action, target, detail, sequence }: AuditRecord,
  atUs: number,
  statements: readonly string[] = [],
): Required<Pick<LedgerTail, "statements" | "auditId">> {
  const auditId = randomBytes(16).toString("hex");
  const cells = [
    textLiteral(auditId),
    String(atUs),
    textLiteral(actor),
    textLiteral(action),
    textLiteral(target),
    detail === undefined ? "NULL" : textLiteral(stringifyJson(detail)),
    sequence === undefined ? "NULL" : String(sequence),
  ];
  const insert = `INSERT INTO ctlstore_audit (entry_id, at_us, actor, action, target, detail, seq) VALUES (${cells.join(",")})`;
  const prune = `DELETE FROM ctlstore_audit WHERE id <= (SELECT id FROM (SELECT MAX(id) AS id FROM ctlstore_audit) newest) - ${ACCESS_LIMITS.auditEntries}`;
  return { statements: [...statements, insert, prune], auditId };
}

/** Who acts when nobody says: a program that uses the ctldb itself. */
export const UNNAMED_ACTOR = "unnamed";
