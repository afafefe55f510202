/** The history of a key: who changed the row under it, when, from what and to what. */
import { Elysia } from "elysia";
import { INSPECTION_LIMITS } from "../../core/limits.ts";
import { parseFamilyName, parseTableName } from "../../core/names.ts";
import { sequenceToJson } from "../../core/sequence.ts";
import { HistoryAnswer, HistoryQuery, type KeyChangeAnswer } from "../../core/wire/inspection.ts";
import { toWireValue, type WireValue } from "../../core/wire/row-values.ts";
import type { KeyChange, RowImage } from "../../ctldb/inspection/contract.ts";
import type { RouteContext } from "../context.ts";
import { exactQuery } from "../exact-query.ts";
import { ERRORS, parsePageLimit } from "./common.ts";
import { parseKeyParameter, parseSequenceParameter } from "./positions.ts";
import { isoOfUs } from "./times.ts";

interface TableParams {
  readonly family: string;
  readonly table: string;
}

async function readHistory(
  { ctldb }: RouteContext,
  params: TableParams,
  query: HistoryQuery,
): Promise<HistoryAnswer> {
  const [family, table] = [parseFamilyName(params.family), parseTableName(params.table)];
  const { key, changes, next, searchedThrough, unreadable } = await ctldb.inspection.history({
    family,
    table,
    key: parseKeyParameter("key", query.key),
    before: query.before === undefined ? null : parseSequenceParameter("before", query.before),
    limit: parsePageLimit(query.limit, INSPECTION_LIMITS.changesPerPage),
  });
  return {
    family,
    table,
    // No part of a key is null.
    key: key.map((value) => toWireValue(value) ?? ""),
    changes: changes.map(changeAnswer),
    next: next === null ? null : sequenceToJson(next),
    complete: next === null,
    searchedThrough: sequenceToJson(searchedThrough),
    ...(unreadable.length === 0 ? {} : { unreadable: unreadable.map(sequenceToJson) }),
  };
}

function changeAnswer(change: KeyChange): KeyChangeAnswer {
  const { sequence, transaction, timestampUs, writer, kind } = change;
  return {
    sequence: sequenceToJson(sequence),
    ...(transaction === null ? {} : { transaction: sequenceToJson(transaction) }),
    timestamp: isoOfUs(timestampUs),
    writer,
    kind,
    ...(change.old === undefined ? {} : { old: imageAnswer(change.old) }),
    new: imageAnswer(change.new),
  };
}

function imageAnswer(image: RowImage | null): Record<string, WireValue> | null {
  if (image === null) return null;
  return Object.fromEntries(Object.entries(image).map(([name, value]) => [name, toWireValue(value)]));
}

export function historyRoutes(context: RouteContext) {
  return new Elysia().get(
    "/families/:family/tables/:table/history",
    ({ params, query }) => readHistory(context, params, query),
    {
      transform: exactQuery,
      query: HistoryQuery,
      response: { 200: HistoryAnswer, ...ERRORS },
      detail: {
        summary: "What happened to one key, the newest first",
        description:
          "Found in the ledger, which a request searches for a limited time: go on from `next` until `complete`. Clearing, dropping and creating the table are changes of every key.",
        tags: ["operations"],
      },
    },
  );
}
