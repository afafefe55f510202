/** How a change comes into the audit trail: by statements of the same transaction. */
import { randomBytes } from "node:crypto";
import { stringifyJson } from "../../core/exact-json.ts";
import { ACCESS_LIMITS } from "../../core/limits.ts";
import { textLiteral } from "../../core/sql/literals.ts";
import type { LedgerTail, LockedLedger } from "../store.ts";
import type { AuditRecord } from "./contract.ts";

export interface AuditedOptions {
  readonly atUs: number;
  /** What is changed. */
  readonly statements?: readonly string[];
}

/**
 * The part of a ledger transaction's tail that puts entries into the audit trail, after other statements, and takes out
 * those that are too many.
 */
export async function audited(
  locked: Pick<LockedLedger, "query">,
  records: readonly AuditRecord[],
  { atUs, statements = [] }: AuditedOptions,
): Promise<Pick<LedgerTail, "statements" | "auditId">> {
  const ids = records.map(() => randomBytes(16).toString("hex"));
  const [auditId] = ids;
  if (auditId === undefined) return { statements };
  const inserts = records.map((record, i) => insertOf(record, ids[i] ?? "", atUs));
  return { statements: [...statements, ...inserts, ...(await pruning(locked))], auditId };
}

/** With the bound as a constant: databases look through the whole trail for one that they have to work out. */
async function pruning(locked: Pick<LockedLedger, "query">): Promise<string[]> {
  const [newest] = await locked.query("SELECT MAX(id) FROM ctlstore_audit");
  const last = BigInt(newest?.[0]?.toString() ?? 0) - BigInt(ACCESS_LIMITS.auditEntries);
  return last > 0n ? [`DELETE FROM ctlstore_audit WHERE id <= ${last}`] : [];
}

function insertOf(record: AuditRecord, id: string, atUs: number): string {
  const { actor, action, target, detail, sequence } = record;
  const cells = [
    textLiteral(id),
    String(atUs),
    textLiteral(actor),
    textLiteral(action),
    textLiteral(target),
    detail === undefined ? "NULL" : textLiteral(stringifyJson(detail)),
    sequence === undefined ? "NULL" : String(sequence),
  ];
  return `INSERT INTO ctlstore_audit (entry_id, at_us, actor, action, target, detail, seq) VALUES (${cells.join(",")})`;
}

/** Who acts when nobody says: a program that uses the ctldb itself. */
export const UNNAMED_ACTOR = "unnamed";
