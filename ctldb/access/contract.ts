/**
 * Who may write and who may operate, as the Executive sees it: writers with their secrets and grants, operators with their
 * tokens, the readers that were declared, and the trail of who changed what.
 *
 * Every change is one transaction under the ledger lock, with its entry in the audit trail in the same transaction.
 */
import type { FamilyName, OperatorName, TableName, WriterName } from "../../core/names.ts";
import type { Role } from "../../core/roles.ts";
import type { Sequence } from "../../core/sequence.ts";

/** Who makes a change, for the audit trail: an operator's name, `admin-token`, or `anonymous`. */
export interface ChangeOptions {
  readonly actor?: string;
  /**
   * Judges the actor once more when the change's turn at the ledger has come: others may have waited before it, and whose
   * rights were taken away meanwhile changes nothing any more (D22).
   * @throws CtlstoreError why it may not; the change fails with that
   */
  readonly judge?: () => Promise<unknown>;
}

export interface WriterInfo {
  readonly writer: WriterName;
  /** The families that it may write; null when none were ever given, which is all, or none with `requireGrants`. */
  readonly grants: readonly FamilyName[] | null;
  readonly revoked: boolean;
  /** How the secret is kept: salted, or as the original does; null of a revoked writer. */
  readonly secretForm: "salted" | "sha256" | null;
  /** Until when the secret before the last rotation is valid, in Unix seconds; null when there is none. */
  readonly previousSecretUntil: number | null;
}

export interface Writers {
  /** Sorted by name. */
  list(): Promise<WriterInfo[]>;
  /** @throws CtlstoreError `unknown_writer` */
  find(writer: WriterName): Promise<WriterInfo>;
  /**
   * The same name with a secret that is valid is a no-op.
   * @throws CtlstoreError `writer_exists` for another secret, or a revoked one
   */
  register(writer: WriterName, secret: string, options?: ChangeOptions): Promise<void>;
  /**
   * Gives a new secret; the old one stays valid for `overlapSeconds` (R45), and the one before that no longer. Of a
   * revoked writer: makes it valid again. The current secret again changes nothing, so that a rotation may be repeated, except that it may end the overlap sooner.
   * @throws CtlstoreError `unknown_writer`, `invalid_value` (an overlap beyond ACCESS_LIMITS)
   */
  rotate(
    writer: WriterName,
    secret: string,
    overlapSeconds: number,
    options?: ChangeOptions,
  ): Promise<WriterInfo>;
  /** Makes all of its secrets invalid; its cookie stays. Again is a no-op. @throws CtlstoreError `unknown_writer` */
  revoke(writer: WriterName, options?: ChangeOptions): Promise<void>;
  /**
   * Null: none given. An empty list: none at all. Families need not exist yet.
   * @throws CtlstoreError `unknown_writer`, `invalid_value` (too many)
   */
  grant(
    writer: WriterName,
    families: readonly FamilyName[] | null,
    options?: ChangeOptions,
  ): Promise<WriterInfo>;
}

export interface Operator {
  readonly name: OperatorName;
  readonly role: Role;
  /** Microseconds since 1970. */
  readonly createdUs: number;
  readonly createdBy: string;
}

export interface Operators {
  /** Sorted by name. */
  list(): Promise<Operator[]>;
  /**
   * The token is told this once; its digest is kept.
   * @throws CtlstoreError `operator_exists`, `invalid_name` (one that stands in the audit trail for others),
   *   `invalid_value` (too many)
   */
  create(
    name: OperatorName,
    role: Role,
    options?: ChangeOptions,
  ): Promise<{ readonly operator: Operator; readonly token: string }>;
  /** @throws CtlstoreError `unknown_operator` */
  revoke(name: OperatorName, options?: ChangeOptions): Promise<void>;
  /**
   * Whose token this is, from memory that is at most `ACCESS_LIMITS.cacheMs` old; null when nobody's.
   * @throws CtlstoreError `ctldb_unavailable` when they cannot be read: nobody is let in on what may be outdated
   */
  authenticate(token: string): Promise<Operator | null>;
  /** Whether there is, or ever was, any operator; as old as above. */
  everAny(): Promise<boolean>;
}

/** A service that somebody says reads a table, so that whoever changes the table can ask. */
export interface DeclaredReader {
  readonly reader: OperatorName;
  /** Where to reach its people: a channel, an address. */
  readonly contact: string | null;
  readonly declaredUs: number;
  readonly declaredBy: string;
}

export interface DeclaredReaders {
  /** @throws CtlstoreError `unknown_family`, `unknown_table` */
  list(family: FamilyName, table: TableName): Promise<DeclaredReader[]>;
  /** Again replaces; again the same is a no-op. They go with their table. @throws CtlstoreError `unknown_family`, `unknown_table`, `invalid_value` (too many) */
  declare(
    family: FamilyName,
    table: TableName,
    reader: { readonly reader: OperatorName; readonly contact: string | null },
    options?: ChangeOptions,
  ): Promise<void>;
  /** @throws CtlstoreError `unknown_reader` */
  withdraw(
    family: FamilyName,
    table: TableName,
    reader: OperatorName,
    options?: ChangeOptions,
  ): Promise<void>;
}

export const AUDIT_ACTIONS = [
  "family.create",
  "table.create",
  "table.add-fields",
  "table.drop",
  "rows.clear",
  "writer.register",
  "writer.rotate",
  "writer.revoke",
  "writer.grant",
  "operator.create",
  "operator.revoke",
  "reader.declare",
  "reader.withdraw",
  "limit.set",
  "limit.reset",
] as const;

export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** What is known of a change when it is made. */
export interface AuditRecord {
  readonly actor: string;
  readonly action: AuditAction;
  /** What was changed: `shop`, `shop/item`, `writer importer`, `limits/fleet`. */
  readonly target: string;
  /** What it was changed to (and from, where known); never a secret. */
  readonly detail?: Readonly<Record<string, unknown>>;
  /** Last ledger entry of the change, where it has any. */
  readonly sequence?: Sequence;
}

export interface AuditEntry extends AuditRecord {
  readonly id: bigint;
  /** Microseconds since 1970. */
  readonly atUs: number;
}

export interface AuditQuery {
  /** Entries older than this one; absent: from the newest. */
  readonly before?: bigint;
  readonly limit: number;
  readonly actor?: string;
  readonly action?: AuditAction;
  readonly target?: string;
}

export interface AuditTrail {
  /** Newest first. */
  read(query: AuditQuery): Promise<{ readonly entries: readonly AuditEntry[]; readonly next: bigint | null }>;
}
