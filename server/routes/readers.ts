/** Readers that were declared of a table, so that whoever changes it knows whom to ask. */
import { Elysia } from "elysia";
import { parseFamilyName, parseOperatorName, parseTableName } from "../../core/names.ts";
import { ReaderBody, ReaderNameAnswer, ReadersAnswer } from "../../core/wire/access.ts";
import { actorOf } from "../access/actor.ts";
import type { RouteContext } from "../context.ts";
import { ERRORS, exactJson } from "./common.ts";
import { isoOfUs } from "./times.ts";

interface TableParams {
  readonly family: string;
  readonly table: string;
}

interface ReaderParams extends TableParams {
  readonly reader: string;
}

async function listReaders({ ctldb }: RouteContext, { family, table }: TableParams): Promise<ReadersAnswer> {
  const readers = await ctldb.readers.list(parseFamilyName(family), parseTableName(table));
  return {
    readers: readers.map(({ reader, contact, declaredUs, declaredBy }) => ({
      reader,
      contact,
      declaredAt: isoOfUs(declaredUs),
      declaredBy,
    })),
  };
}

async function declareReader(
  { ctldb }: RouteContext,
  params: ReaderParams,
  body: ReaderBody,
  request: Request,
) {
  const [family, table] = [parseFamilyName(params.family), parseTableName(params.table)];
  const reader = parseOperatorName(params.reader);
  await ctldb.readers.declare(
    family,
    table,
    { reader, contact: body.contact ?? null },
    await actorOf(request),
  );
  return { reader };
}

async function withdrawReader({ ctldb }: RouteContext, params: ReaderParams, request: Request) {
  const [family, table] = [parseFamilyName(params.family), parseTableName(params.table)];
  const reader = parseOperatorName(params.reader);
  await ctldb.readers.withdraw(family, table, reader, await actorOf(request));
  return { reader };
}

const READERS = "/families/:family/tables/:table/readers";
const READER = "/families/:family/tables/:table/readers/:reader";

export function readerRoutes(context: RouteContext) {
  return new Elysia()
    .get(READERS, ({ params }) => listReaders(context, params), {
      response: { 200: ReadersAnswer, ...ERRORS },
      detail: { summary: "Who was declared to read a table", tags: ["schema"] },
    })
    .put(READER, ({ params, request, body }) => declareReader(context, params, body, request), {
      parse: exactJson(context.limits),
      body: ReaderBody,
      response: { 200: ReaderNameAnswer, ...ERRORS },
      detail: {
        summary: "Declare that a service reads a table",
        description:
          "Whoever is about to change the table sees it in the dry run. Again replaces the contact.",
        tags: ["schema"],
      },
    })
    .delete(READER, ({ params, request }) => withdrawReader(context, params, request), {
      parse: "none",
      response: { 200: ReaderNameAnswer, ...ERRORS },
      detail: { summary: "Withdraw a declared reader", tags: ["schema"] },
    });
}
