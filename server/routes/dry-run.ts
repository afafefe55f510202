/** Dry runs: a change of tables is shown in place of being made, by the same route with `?dry-run=true`. */
import { CtlstoreError, quote } from "../../core/errors.ts";
import { PREVIEW_LIMITS } from "../../core/limits.ts";
import type { Checked } from "../../core/schema-problems.ts";
import { sequenceToJson as toJson } from "../../core/sequence.ts";
import type { DryRunQuery, PreviewAnswer } from "../../core/wire/preview.ts";
import type { ProposedChange, TablePreview } from "../../ctldb/preview/contract.ts";
import type { RouteContext } from "../context.ts";
import { isoOfUs } from "./times.ts";

/** A change of tables that a request asks for. */
export interface RequestedChange<Value, Answer> {
  /** Its names and definitions; of those that are wrong, the problems. */
  readonly checked: Checked<Value>;
  readonly describe: (value: Value) => ProposedChange;
  readonly make: (value: Value) => Promise<Answer>;
}

/**
 * Makes the change, or shows what it would do.
 *
 * In its type the answer is the change's alone; see `orPreview` of core/wire/preview.ts.
 * @throws CtlstoreError of a change that is to be made, its first problem
 */
export async function makeOrShow<Value, Answer extends object>(
  context: RouteContext,
  query: DryRunQuery,
  { checked: { value, problems }, describe, make }: RequestedChange<Value, Answer>,
): Promise<Answer> {
  if (isDryRun(query)) {
    const shown = await show(context, value === null ? null : describe(value), problems);
    return shown as object as Answer;
  }
  if (problems[0] !== undefined) throw problems[0];
  if (value === null) throw new CtlstoreError("internal", "Cannot make the change: nothing was understood");
  return make(value);
}

/** @throws CtlstoreError `malformed_request` */
function isDryRun({ "dry-run": text = "false" }: DryRunQuery): boolean {
  if (text === "true" || text === "false") return text === "true";
  throw new CtlstoreError(
    "malformed_request",
    `Cannot read parameter dry-run: it is ${quote(text)}; it needs to be true or false`,
  );
}

async function show(
  { ctldb }: RouteContext,
  change: ProposedChange | null,
  problems: readonly CtlstoreError[],
): Promise<PreviewAnswer> {
  const found = change === null ? { conflicts: [], tables: [] } : await ctldb.preview(change);
  const conflicts = [...problems, ...found.conflicts];
  return {
    dryRun: true,
    possible: conflicts.length === 0,
    conflicts: conflicts.slice(0, PREVIEW_LIMITS.conflicts).map(conflictAnswer),
    tables: found.tables.map(tableAnswer),
  };
}

function conflictAnswer({ code, message, details }: CtlstoreError): PreviewAnswer["conflicts"][number] {
  const { index, field, hint } = details;
  return {
    code,
    message,
    ...(index === undefined ? {} : { index }),
    ...(field === undefined ? {} : { field }),
    ...(hint === undefined ? {} : { hint }),
  };
}

function tableAnswer(table: TablePreview): PreviewAnswer["tables"][number] {
  return {
    family: table.family,
    table: table.table,
    ledgerStatements: [...table.ledgerStatements],
    ctldbStatements: [...table.ctldbStatements],
    cost: table.cost,
    rows: table.rows === null ? null : toJson(table.rows),
    rowsEstimated: table.rowsAreEstimated,
    bytes: table.bytes === null ? null : toJson(table.bytes),
    readers: table.readers.map(({ reader, contact, declaredUs, declaredBy }) => ({
      reader,
      contact,
      declaredAt: isoOfUs(declaredUs),
      declaredBy,
    })),
    writers: table.writers.map(({ writer, lastUs }) => ({ writer, lastAt: isoOfUs(lastUs) })),
  };
}
