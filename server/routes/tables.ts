/** Tables: create, extend, list, drop and clear. */
import { Elysia } from "elysia";
import { CtlstoreError } from "../../core/errors.ts";
import { parseFamilyName, parseTableName } from "../../core/names.ts";
import { parseFields, parseTableSchema } from "../../core/schema.ts";
import { sequenceToJson } from "../../core/sequence.ts";
import { SequenceAnswer, TablesAnswer } from "../../core/wire/answers.ts";
import { AddFieldsBody, CreateTableBody, CreateTablesBody } from "../../core/wire/bodies.ts";
import type { WriteResult } from "../../ctldb/contract.ts";
import type { RouteContext } from "../context.ts";
import { ADMIN, ERRORS, exactJson } from "./common.ts";

interface TableParams {
  readonly family: string;
  readonly table: string;
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

async function createTable({ ctldb }: RouteContext, { family, table }: TableParams, body: CreateTableBody) {
  return answer(await ctldb.createTables([parseTableSchema(family, table, body)]));
}

async function createTables({ ctldb }: RouteContext, body: CreateTablesBody) {
  const schemas = body.map((table, index) => {
    try {
      return parseTableSchema(table.family, table.name, table);
    } catch (error) {
      throw error instanceof CtlstoreError ? error.with({ index }) : error;
    }
  });
  return answer(await ctldb.createTables(schemas));
}

async function addFields({ ctldb }: RouteContext, { family, table }: TableParams, body: AddFieldsBody) {
  const fields = parseFields(body.fields);
  return answer(await ctldb.addFields(parseFamilyName(family), parseTableName(table), fields));
}

async function dropTable(context: RouteContext, { family, table }: TableParams) {
  assertDestructiveAllowed(context);
  return answer(await context.ctldb.dropTable(parseFamilyName(family), parseTableName(table)));
}

async function clearRows(context: RouteContext, { family, table }: { family: string; table?: string }) {
  assertDestructiveAllowed(context);
  const parsedTable = table === undefined ? null : parseTableName(table);
  return answer(await context.ctldb.clearRows(parseFamilyName(family), parsedTable));
}

function assertDestructiveAllowed({ destructiveSchemaChanges }: RouteContext): void {
  if (destructiveSchemaChanges) return;
  throw new CtlstoreError(
    "not_granted",
    "Cannot drop or clear tables: destructive schema changes are switched off",
    {
      hint: "start the Executive with --destructive-schema-changes",
    },
  );
}

const TABLE = "/families/:family/tables/:table";
const response = { 200: SequenceAnswer, ...ERRORS };
const schemaDetail = (summary: string) => ({ summary, tags: ["schema"], security: ADMIN });

export function tableRoutes(context: RouteContext) {
  const parse = exactJson(context.limits);
  return new Elysia()
    .get("/families/:family/tables", ({ params }) => listTables(context, params.family), {
      response: { 200: TablesAnswer, ...ERRORS },
      detail: schemaDetail("List the tables of a family"),
    })
    .post(TABLE, ({ params, body }) => createTable(context, params, body), {
      parse,
      body: CreateTableBody,
      response,
      detail: schemaDetail("Create a table"),
    })
    .put(TABLE, ({ params, body }) => addFields(context, params, body), {
      parse,
      body: AddFieldsBody,
      response,
      detail: schemaDetail("Add fields to a table"),
    })
    .delete(TABLE, ({ params }) => dropTable(context, params), {
      parse: "none",
      response,
      detail: schemaDetail("Drop a table (needs destructive schema changes)"),
    })
    .post("/tables", ({ body }) => createTables(context, body), {
      parse,
      body: CreateTablesBody,
      response,
      detail: schemaDetail("Create several tables, all or none"),
    })
    .delete("/clear-rows/families/:family", ({ params }) => clearRows(context, params), {
      parse: "none",
      response,
      detail: schemaDetail("Delete all rows of every table of a family (needs destructive schema changes)"),
    })
    .delete("/clear-rows/families/:family/tables/:table", ({ params }) => clearRows(context, params), {
      parse: "none",
      response,
      detail: schemaDetail("Delete all rows of a table (needs destructive schema changes)"),
    });
}
