/**
 * What a change of tables would do, without doing it: decided from the newest catalog as the change itself is under the
 * ledger lock, proven on SQLite as it is, and looked at in the database. Nothing is changed and no lock is taken.
 */
import { type CtlstoreError, isCtlstoreError } from "../../core/errors.ts";
import { clearTableStatement } from "../../core/ledger/statements.ts";
import { PREVIEW_LIMITS } from "../../core/limits.ts";
import { ldbTableName } from "../../core/names.ts";
import type { Catalog, TableSchema } from "../../core/schema.ts";
import { ProblemList } from "../../core/schema-problems.ts";
import type { DeclaredReader, DeclaredReaders } from "../access/contract.ts";
import { schemaStatements } from "../ledger-tail.ts";
import type { Limits } from "../limits/contract.ts";
import type { Proof } from "../proof.ts";
import {
  type Decision,
  decideAddFields,
  decideClear,
  decideCreate,
  decideDrop,
  decideFamily,
} from "../schema-decisions.ts";
import type { LedgerStore } from "../store.ts";
import type { ChangePreview, ProposedChange, TablePreview } from "./contract.ts";
import type { InspectedChange } from "./inspection.ts";

export interface PreviewDeps {
  readonly store: Pick<LedgerStore, "inspect">;
  readonly proof: Pick<Proof, "checkSchema">;
  readonly limits: Pick<Limits, "defaults" | "sizes">;
  readonly readers: Pick<DeclaredReaders, "list">;
}

/** @param catalog the newest */
export async function previewChange(
  change: ProposedChange,
  catalog: Catalog,
  deps: PreviewDeps,
): Promise<ChangePreview> {
  const { changes, conflicts } = proven(firstOf(decide(change, catalog, deps)), catalog, deps);
  const [inspections, bytes] = await Promise.all([
    changes.length === 0 ? [] : deps.store.inspect(changes),
    bytesByTable(changes, deps),
  ]);
  const tables: TablePreview[] = [];
  for (const [i, each] of changes.entries()) {
    const inspection = inspections[i];
    if (inspection === undefined) continue;
    const { family, table } = each.schema;
    tables.push({
      family,
      table,
      ledgerStatements: ledgerStatements(each),
      ctldbStatements: inspection.statements,
      cost: inspection.cost,
      rows: inspection.count?.rows ?? null,
      rowsAreEstimated: inspection.count?.isEstimate ?? false,
      bytes: bytes.get(ldbTableName(family, table)) ?? null,
      readers: each.kind === "create" ? [] : await readersOf(each.schema, deps),
      writers: inspection.writers,
    });
  }
  return { conflicts: [...conflicts, ...inspections.flatMap(({ refusals }) => refusals)], tables };
}

function decide(change: ProposedChange, catalog: Catalog, deps: PreviewDeps): Decision<InspectedChange> {
  const bounds = deps.limits.defaults;
  switch (change.kind) {
    case "create-family":
      return { changes: [], conflicts: decideFamily(change.family, catalog).conflicts };
    case "create":
      return decideCreate(change.tables, catalog, bounds);
    case "add-fields":
      return decideAddFields(change, catalog, bounds);
    case "drop":
      return decideDrop(change.family, change.table, catalog);
    case "clear": {
      const { changes, conflicts } = decideClear(change.family, change.table, catalog);
      return { changes: changes.map((schema) => ({ kind: "clear", schema })), conflicts };
    }
  }
}

/** As many as are looked at; what speaks against the others is known. */
function firstOf({ changes, conflicts }: Decision<InspectedChange>): Decision<InspectedChange> {
  return { changes: changes.slice(0, PREVIEW_LIMITS.tables), conflicts };
}

/** With what SQLite, and so every LDB, would refuse; each change by itself. */
function proven(
  { changes, conflicts }: Decision<InspectedChange>,
  catalog: Catalog,
  { proof }: PreviewDeps,
): Decision<InspectedChange> {
  const list = new ProblemList();
  for (const change of changes) {
    if (change.kind !== "clear") list.try(() => proof.checkSchema([change], catalog));
  }
  return { changes, conflicts: [...conflicts, ...list.problems] };
}

function ledgerStatements(change: InspectedChange): string[] {
  if (change.kind !== "clear") return schemaStatements(change);
  return [clearTableStatement(change.schema.family, change.schema.table)];
}

async function bytesByTable(
  changes: readonly InspectedChange[],
  { limits }: PreviewDeps,
): Promise<ReadonlyMap<string, bigint | null>> {
  if (changes.every(({ kind }) => kind === "create")) return new Map();
  const sizes = await limits.sizes();
  return new Map(sizes.map(({ family, table, bytes }) => [ldbTableName(family, table), bytes]));
}

/** Of a table that somebody drops meanwhile, none. */
async function readersOf(
  { family, table }: TableSchema,
  { readers }: PreviewDeps,
): Promise<DeclaredReader[]> {
  return readers.list(family, table).catch((error: unknown) => {
    if (isCtlstoreError(error) && isUnknown(error)) return [];
    throw error;
  });
}

function isUnknown({ code }: CtlstoreError): boolean {
  return code === "unknown_table" || code === "unknown_family";
}
