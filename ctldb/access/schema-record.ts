/** A change of tables as the audit trail has it, also when another process finishes it after a crash. */
import type { FieldSchema } from "../../core/schema.ts";
import type { Sequence } from "../../core/sequence.ts";
import type { SchemaChange } from "../store.ts";
import { UNNAMED_ACTOR } from "./audit-entry.ts";
import type { AuditRecord } from "./contract.ts";

/** @param sequence the change's last ledger entry */
export function auditRecordOf(change: SchemaChange, sequence: Sequence): AuditRecord {
  const { family, table } = change.schema;
  return {
    ...actionOf(change),
    actor: change.actor ?? UNNAMED_ACTOR,
    target: `${family}/${table}`,
    sequence,
  };
}

function actionOf(change: SchemaChange): Pick<AuditRecord, "action" | "detail"> {
  switch (change.kind) {
    case "create": {
      const { fields, keyFields } = change.schema;
      return { action: "table.create", detail: { fields: fields.map(nameAndType), keyFields } };
    }
    case "add-fields":
      return { action: "table.add-fields", detail: { fields: change.added.map(nameAndType) } };
    case "drop":
      return { action: "table.drop" };
  }
}

function nameAndType({ name, type }: FieldSchema): readonly [string, string] {
  return [name, type];
}
