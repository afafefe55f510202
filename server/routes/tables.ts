/**
 * Tables: create, extend, list, drop and clear.
 *
 * What destroys data is refused before anything is looked at, unless the Executive was started for it; a dry run of it is
 * always allowed, to whoever may do it.
 */
import { Elysia } from "elysia";
import { CtlstoreError } from "../../core/errors.ts";
import { type FamilyName, parseFamilyName, parseTableName, type TableName } from "../../core/names.ts";
import type { TableSchema } from "../../core/schema.ts";
import { type Checked, check, checkFields, checkTable } from "../../core/schema-problems.ts";
import { sequenceToJson } from "../../core/sequence.ts";
import { ClearedAnswer, SequenceAnswer, TablesAnswer } from "../../core/wire/answers.ts";
import { AddFieldsBody, CreateTableBody, CreateTablesBody } from "../../core/wire/bodies.ts";
import { DryRunQuery, orPreview } from "../../core/wire/preview.ts";
import type { WriteResult } from "../../ctldb/contract.ts";
import { actorOf } from "../access/actor.ts";
import type { RouteContext } from "../context.ts";
import { ERRORS, exactJson } from "./common.ts";
import { makeOrShow } from "./dry-run.ts";

interface TableParams {
  readonly family: string;
  readonly table: string;
}

/** What a handler is given beside parameters and body. */
interface Call {
  readonly query: DryRunQuery;
  readonly request: Request;
}

function answer({ sequence }: WriteResult): SequenceAnswer {
  return { sequence: sequenceToJson(sequence) };
}

async function listTables({ ctldb }: RouteContext, rawFamily: string) {
  const family = parseFamilyName(rawFamily);
  const catalog = await ctldb.catalog();
  catalog.assertFamily(family);
  return { family, tables: catalog.tables(family).map(({ table }) => table) };
}

function createTable(
  context: RouteContext,
  { family, table }: TableParams,
  body: CreateTableBody,
  call: Call,
) {
  const { value, problems } = checkTable(family, table, body);
  return create(context, { value: value === null ? null : [value], problems }, call);
}

function createTables(context: RouteContext, body: CreateTablesBody, call: Call) {
  const checks = body.map((table) => checkTable(table.family, table.name, table));
  const value = checks.flatMap((one) => one.value ?? []);
  const problems = checks.flatMap((one, index) => one.problems.map((problem) => problem.with({ index })));
  return create(context, { value, problems }, call);
}

function create(context: RouteContext, checked: Checked<readonly TableSchema[]>, { query, request }: Call) {
  return makeOrShow(context, query, {
    checked,
    describe: (tables) => ({ kind: "create", tables }),
    make: async (tables) => answer(await context.ctldb.createTables(tables, await actorOf(request))),
  });
}

function addFields(
  context: RouteContext,
  params: TableParams,
  body: AddFieldsBody,
  { query, request }: Call,
) {
  const fields = checkFields(body.fields);
  const names = checkNames(params);
  const value =
    names.value === null || fields.value === null ? null : { ...names.value, fields: fields.value };
  return makeOrShow(context, query, {
    checked: { value, problems: [...fields.problems, ...names.problems] },
    describe: (change) => ({ kind: "add-fields", ...change }),
    make: async (change) =>
      answer(
        await context.ctldb.addFields(change.family, change.table, change.fields, await actorOf(request)),
      ),
  });
}

function dropTable(context: RouteContext, params: TableParams, { query, request }: Call) {
  return makeOrShow(context, query, {
    checked: whereAllowed(context, checkNames(params)),
    describe: (names) => ({ kind: "drop", ...names }),
    make: async ({ family, table }) =>
      answer(await context.ctldb.dropTable(family, table, await actorOf(request))),
  });
}

function clearRows(
  context: RouteContext,
  params: { readonly family: string; readonly table?: string },
  { query, request }: Call,
) {
  return makeOrShow(context, query, {
    checked: whereAllowed(context, checkTarget(params)),
    describe: (names) => ({ kind: "clear", ...names }),
    make: async ({ family, table }) => {
      const { sequence, tables } = await context.ctldb.clearRows(family, table, await actorOf(request));
      return { sequence: sequenceToJson(sequence), tables };
    },
  });
}

interface Names<Table> {
  readonly family: FamilyName;
  readonly table: Table;
}

function checkNames(params: TableParams): Checked<Names<TableName>> {
  const { value, problems } = checkTarget(params);
  return {
    value: value === null || value.table === null ? null : { ...value, table: value.table },
    problems,
  };
}

/** Without a table: all of the family. */
function checkTarget(params: {
  readonly family: string;
  readonly table?: string;
}): Checked<Names<TableName | null>> {
  const family = check(() => parseFamilyName(params.family));
  const table = check(() => (params.table === undefined ? null : parseTableName(params.table)));
  const problems = [...family.problems, ...table.problems];
  const isUnderstood = family.value !== null && problems.length === 0;
  return { value: isUnderstood ? { family: family.value, table: table.value } : null, problems };
}

/** What destroys data: refused, before anything else is, by an Executive that was not started for it. */
function whereAllowed<Value>(
  { destructiveSchemaChanges }: RouteContext,
  { value, problems }: Checked<Value>,
): Checked<Value> {
  if (destructiveSchemaChanges) return { value, problems };
  const refusal = new CtlstoreError(
    "not_granted",
    "Cannot drop or clear tables: destructive schema changes are switched off",
    { hint: "start the Executive with --destructive-schema-changes" },
  );
  return { value, problems: [refusal, ...problems] };
}

const TABLE = "/families/:family/tables/:table";
const CLEAR = "/clear-rows/families/:family";
/** Of what destroys data. */
const NEEDS = "(needs destructive schema changes)";

const response = { 200: orPreview(SequenceAnswer), ...ERRORS };
const cleared = { 200: orPreview(ClearedAnswer), ...ERRORS };
const detail = (summary: string) => ({ summary, tags: ["schema"] });

export function tableRoutes(context: RouteContext) {
  return new Elysia()
    .get("/families/:family/tables", ({ params }) => listTables(context, params.family), {
      response: { 200: TablesAnswer, ...ERRORS },
      detail: detail("List the tables of a family"),
    })
    .use(growingRoutes(context))
    .use(destructiveRoutes(context));
}

function growingRoutes(context: RouteContext) {
  const parse = exactJson(context.limits);
  const query = DryRunQuery;
  return new Elysia()
    .post(TABLE, ({ params, body, ...call }) => createTable(context, params, body, call), {
      parse,
      query,
      body: CreateTableBody,
      response,
      detail: detail("Create a table"),
    })
    .put(TABLE, ({ params, body, ...call }) => addFields(context, params, body, call), {
      parse,
      query,
      body: AddFieldsBody,
      response,
      detail: detail("Add fields to a table"),
    })
    .post("/tables", ({ body, ...call }) => createTables(context, body, call), {
      parse,
      query,
      body: CreateTablesBody,
      response,
      detail: detail("Create several tables, all or none"),
    });
}

function destructiveRoutes(context: RouteContext) {
  const parse = "none";
  const query = DryRunQuery;
  return new Elysia()
    .delete(TABLE, ({ params, ...call }) => dropTable(context, params, call), {
      parse,
      query,
      response,
      detail: detail(`Drop a table ${NEEDS}`),
    })
    .delete(CLEAR, ({ params, ...call }) => clearRows(context, params, call), {
      parse,
      query,
      response: cleared,
      detail: detail(`Delete all rows of every table of a family ${NEEDS}`),
    })
    .delete(`${CLEAR}/tables/:table`, ({ params, ...call }) => clearRows(context, params, call), {
      parse,
      query,
      response: cleared,
      detail: detail(`Delete all rows of a table ${NEEDS}`),
    });
}
