/** The audit trail as it is read: newest first, page by page. It is written by `audit-entry.ts`. */
import { CtlstoreError, quote } from "../../core/errors.ts";
import { ACCESS_LIMITS } from "../../core/limits.ts";
import { toSequence } from "../../core/sequence.ts";
import { textLiteral } from "../../core/sql/literals.ts";
import type { LedgerStore, SystemCell, SystemRow } from "../store.ts";
import type { AuditAction, AuditEntry, AuditQuery, AuditTrail } from "./contract.ts";

export interface AuditTrailDeps {
  readonly store: LedgerStore;
  /** @throws CtlstoreError `ctldb_unavailable` once the ctldb is being closed */
  readonly assertOpen: () => void;
}

export class LedgerAuditTrail implements AuditTrail {
  readonly #deps: AuditTrailDeps;

  constructor(deps: AuditTrailDeps) {
    this.#deps = deps;
  }

  async read(
    query: AuditQuery,
  ): Promise<{ readonly entries: readonly AuditEntry[]; readonly next: bigint | null }> {
    this.#deps.assertOpen();
    assertLimit(query.limit);
    const rows = await this.#deps.store.query(selectEntries(query));
    const entries = rows.slice(0, query.limit).map(entryOf);
    // One more than wanted tells whether there are more.
    const next = rows.length > query.limit ? (entries.at(-1)?.id ?? null) : null;
    return { entries, next };
  }
}

function selectEntries({ before, limit, actor, action, target }: AuditQuery): string {
  const conditions = Object.entries({ actor, action, target }).flatMap(([column, value]) =>
    value === undefined ? [] : [`${column} = ${textLiteral(value)}`],
  );
  if (before !== undefined) conditions.push(`id < ${before}`);
  const where = conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
  return `SELECT id, at_us, actor, action, target, detail, seq FROM ctlstore_audit${where} ORDER BY id DESC LIMIT ${limit + 1}`;
}

function entryOf([id, atUs, actor, action, target, detail, sequence]: SystemRow): AuditEntry {
  return {
    id: BigInt(String(id)),
    atUs: Number(atUs),
    actor: String(actor),
    action: String(action) as AuditAction, // perhaps one of a newer version: it is shown as it is
    target: String(target),
    ...(isSet(detail) ? { detail: detailOf(String(detail)) } : {}),
    ...(isSet(sequence) ? { sequence: toSequence(String(sequence)) } : {}),
  };
}

function isSet(cell: SystemCell | undefined): boolean {
  return cell !== null && cell !== undefined;
}

/** What somebody has broken by hand is shown as it is: it must not hide the rest of the trail. */
function detailOf(text: string): Record<string, unknown> {
  try {
    const detail: unknown = JSON.parse(text);
    if (typeof detail === "object" && detail !== null) return detail as Record<string, unknown>;
  } catch {
    // no JSON: see above
  }
  return { text };
}

function assertLimit(limit: number): void {
  const { max } = ACCESS_LIMITS.auditPage;
  if (Number.isSafeInteger(limit) && limit >= 1 && limit <= max) return;
  throw new CtlstoreError(
    "invalid_value",
    `Cannot read ${quote(limit)} entries of the audit trail: it needs to be 1 to ${max}`,
    { field: "limit" },
  );
}
