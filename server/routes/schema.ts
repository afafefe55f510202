/** The schema as it stands, in the form that POST /tables takes. */
import { Elysia } from "elysia";
import { parseFamilyName, parseTableName } from "../../core/names.ts";
import { tableToWire } from "../../core/schema.ts";
import { SchemaAnswer, TableAnswer } from "../../core/wire/answers.ts";
import type { RouteContext } from "../context.ts";
import { ERRORS } from "./common.ts";

async function tableSchema({ ctldb }: RouteContext, params: { family: string; table: string }) {
  const [family, table] = [parseFamilyName(params.family), parseTableName(params.table)];
  return tableToWire((await ctldb.catalog()).table(family, table));
}

async function familySchema({ ctldb }: RouteContext, rawFamily: string) {
  const family = parseFamilyName(rawFamily);
  const catalog = await ctldb.catalog();
  catalog.assertFamily(family);
  return catalog.tables(family).map(tableToWire);
}

export function schemaRoutes(context: RouteContext) {
  return new Elysia()
    .get("/schema/table/:family/:table", ({ params }) => tableSchema(context, params), {
      response: { 200: TableAnswer, ...ERRORS },
      detail: { summary: "The schema of a table", tags: ["schema"] },
    })
    .get("/schema/family/:family", ({ params }) => familySchema(context, params.family), {
      response: { 200: SchemaAnswer, ...ERRORS },
      detail: { summary: "The schemas of a family's tables", tags: ["schema"] },
    });
}
