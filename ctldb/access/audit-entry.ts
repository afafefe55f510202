/** How a change comes into the audit trail: by statements of the same transaction. */
import { randomBytes } from "node:crypto";
import { stringifyJson } from "../../core/exact-json.ts";
import { ACCESS_LIMITS } from "../../core/limits.ts";
import { textLiteral } from "../../core/sql/literals.ts";
import type { LedgerTail } from "../store.ts";
import type { AuditRecord } from "./contract.ts";

/** The part of a ledger transaction's tail that puts entries into the audit trail, after other statements. */
export function audited(
  records: readonly AuditRecord[],
  atUs: number,
  statements: readonly string[] = [],
): Pick<LedgerTail, "statements" | "auditId"> {
  const ids = records.map(() => randomBytes(16).toString("hex"));
  const inserts = records.map((record, i) => insertOf(record, ids[i] ?? "", atUs));
  const [auditId] = ids;
  if (auditId === undefined) return { statements };
  return { statements: [...statements, ...inserts, PRUNE], auditId };
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

/** The inner SELECT is a table of its own for MySQL, which deletes from no table that it reads. */
const PRUNE = `DELETE FROM ctlstore_audit WHERE id <= (SELECT id FROM (SELECT MAX(id) AS id FROM ctlstore_audit) newest) - ${ACCESS_LIMITS.auditEntries}`;

/** Who acts when nobody says: a program that uses the ctldb itself. */
export const UNNAMED_ACTOR = "unnamed";
