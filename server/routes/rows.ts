/** The rows of a table as the ctldb has them, page by page or by key: for comparing, sweeping and looking. */
import { Elysia } from "elysia";
import { ROWS_LIMITS } from "../../core/limits.ts";
import { parseFamilyName, parseTableName } from "../../core/names.ts";
import { sequenceToJson } from "../../core/sequence.ts";
import { RowsAnswer } from "../../core/wire/answers.ts";
import { RowAnswer, RowQuery } from "../../core/wire/inspection.ts";
import { RowsQuery } from "../../core/wire/queries.ts";
import { decodeRowCursor, encodeRowCursor } from "../../core/wire/row-cursor.ts";
import { toWireValue, type WireValue } from "../../core/wire/row-values.ts";
import type { RowsPage } from "../../ctldb/row-pages.ts";
import type { RouteContext } from "../context.ts";
import { exactQuery } from "../exact-query.ts";
import { ERRORS, notAParameter, parsePageLimit } from "./common.ts";
import { parseKeyParameter } from "./positions.ts";

interface TableParams {
  readonly family: string;
  readonly table: string;
}

async function listRows({ ctldb }: RouteContext, params: TableParams, query: RowsQuery): Promise<RowsAnswer> {
  const [family, table] = [parseFamilyName(params.family), parseTableName(params.table)];
  const page = await ctldb.readRows({
    family,
    table,
    fields: parseFieldsWanted(query.fields),
    ...(query.prefix === undefined ? {} : { prefix: parseKeyParameter("prefix", query.prefix) }),
    after: query.after === undefined ? null : decodeRowCursor(query.after),
    limit: parsePageLimit(query.limit, ROWS_LIMITS.perPage),
    bytes: ROWS_LIMITS.pageBytes,
  });
  return {
    family,
    table,
    rows: page.rows.map((row) => rowAnswer(page.fields, row)),
    next: page.next === null ? null : encodeRowCursor(page.next.map(toWireValue)),
    sequence: sequenceToJson(page.sequence),
  };
}

async function getRow({ ctldb }: RouteContext, params: TableParams, query: RowQuery): Promise<RowAnswer> {
  const [family, table] = [parseFamilyName(params.family), parseTableName(params.table)];
  const key = parseKeyParameter("key", query.key);
  const { schema, values, sequence } = await ctldb.readRow({ family, table, key });
  return { family, table, row: rowAnswer(schema.fields, values), sequence: sequenceToJson(sequence) };
}

function rowAnswer(fields: RowsPage["fields"], row: RowsPage["rows"][number]): Record<string, WireValue> {
  return Object.fromEntries(fields.map(({ name }, i) => [name, toWireValue(row[i] ?? null)]));
}

function parseFieldsWanted(text: string | undefined): "key" | "all" {
  if (text === undefined || text === "all") return "all";
  if (text === "key") return "key";
  throw notAParameter("fields", text, "key or all");
}

export function rowRoutes(context: RouteContext) {
  return new Elysia()
    .get("/families/:family/tables/:table/rows", ({ params, query }) => listRows(context, params, query), {
      transform: exactQuery,
      query: RowsQuery,
      response: { 200: RowsAnswer, ...ERRORS },
      detail: {
        summary: "A page of a table's rows, in the order of their keys",
        description:
          "Each page is one committed state; rows may change between two pages. Begin without `after`, then send `next` of each page until it is null, with the same `prefix`. A page may have fewer rows than asked for. Hosts read their LDB, not this.",
        tags: ["operations"],
      },
    })
    .get("/families/:family/tables/:table/row", ({ params, query }) => getRow(context, params, query), {
      transform: exactQuery,
      query: RowQuery,
      response: { 200: RowAnswer, ...ERRORS },
      detail: {
        summary: "The row of one key",
        description:
          "As committed, with the sequence of the state that it is from. 404 `unknown_row` when there is none. Hosts read their LDB, not this.",
        tags: ["operations"],
      },
    });
}
