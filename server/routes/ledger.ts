/** The ledger: its entries page by page, in both directions, and as they come. */
import { Elysia } from "elysia";
import { hashToHex } from "../../core/ledger/chain.ts";
import { INSPECTION_LIMITS } from "../../core/limits.ts";
import { parseFamilyName, parseTableName } from "../../core/names.ts";
import { sequenceToJson } from "../../core/sequence.ts";
import { LedgerAnswer, type LedgerEntryAnswer, LedgerQuery } from "../../core/wire/inspection.ts";
import type { EntriesPage, EntriesRequest, InspectedEntry } from "../../ctldb/inspection/contract.ts";
import type { RouteContext } from "../context.ts";
import { exactQuery } from "../exact-query.ts";
import { ERRORS, notAParameter, parsePageLimit } from "./common.ts";
import { parseSequenceParameter } from "./positions.ts";
import { isoOfUs } from "./times.ts";

async function readLedger(
  context: RouteContext,
  query: LedgerQuery,
  { signal }: Request,
): Promise<LedgerAnswer> {
  const waitMs = parseWaitMs(query);
  const { entries, next, head, first } = await pageWithin(context, parseRequest(query), waitMs, signal);
  return {
    entries: entries.map(entryAnswer),
    next: sequenceToJson(next),
    head: sequenceToJson(head),
    first: sequenceToJson(first),
  };
}

/** The first page with an entry, or the one that was there when the time was up, the client went, or the service stops. */
async function pageWithin(
  { ctldb, clock, stopping }: RouteContext,
  request: EntriesRequest,
  waitMs: number,
  client: AbortSignal,
): Promise<EntriesPage> {
  const endMs = clock.monotonicMs() + waitMs;
  const signal = AbortSignal.any([client, stopping]);
  let page = await ctldb.inspection.entries(request);
  while (page.entries.length === 0 && "after" in request.from) {
    const leftMs = endMs - clock.monotonicMs();
    if (leftMs <= 0 || signal.aborted) break;
    // What a search did not get to is searched first.
    if (page.next >= page.head) await ctldb.inspection.untilAfter(page.next, leftMs, signal);
    page = await ctldb.inspection.entries({ ...request, from: { after: page.next } });
  }
  return page;
}

function entryAnswer(entry: InspectedEntry): LedgerEntryAnswer {
  const { sequence, timestampUs, family, table, writer, kind, statement, isCut, hash } = entry;
  return {
    sequence: sequenceToJson(sequence),
    timestamp: isoOfUs(timestampUs),
    family,
    table,
    writer,
    kind,
    statement,
    ...(isCut ? { truncated: true as const } : {}),
    hash: hash === null ? null : hashToHex(hash),
  };
}

function parseRequest({ after, before, limit, family, table, full }: LedgerQuery): EntriesRequest {
  if (after !== undefined && before !== undefined) {
    throw notAParameter("before", before, "left out where `after` is given");
  }
  if (table !== undefined && family === undefined)
    throw notAParameter("table", table, "given with its `family`");
  return {
    from:
      after === undefined
        ? { before: before === undefined ? null : parseSequenceParameter("before", before) }
        : { after: parseSequenceParameter("after", after) },
    limit: parsePageLimit(limit, INSPECTION_LIMITS.entriesPerPage),
    ...(family === undefined ? {} : { family: parseFamilyName(family) }),
    ...(table === undefined ? {} : { table: parseTableName(table) }),
    full: parseSwitch("full", full),
  };
}

function parseWaitMs({ wait, after }: LedgerQuery): number {
  const { default: usual, max } = INSPECTION_LIMITS.waitSeconds;
  if (wait === undefined) return usual * 1000;
  if (!/^\d{1,2}(?:\.\d{1,3})?$/.test(wait) || Number(wait) > max) {
    throw notAParameter("wait", wait, `seconds from 0 to ${max}`);
  }
  if (after === undefined) throw notAParameter("wait", wait, "given with `after`");
  return Number(wait) * 1000;
}

function parseSwitch(name: string, text: string | undefined): boolean {
  if (text === undefined || text === "false") return false;
  if (text === "true") return true;
  throw notAParameter(name, text, "true or false");
}

export function ledgerRoutes(context: RouteContext) {
  return new Elysia().get("/ledger", ({ query, request }) => readLedger(context, query, request), {
    transform: exactQuery,
    query: LedgerQuery,
    response: { 200: LedgerAnswer, ...ERRORS },
    detail: {
      summary: "Entries of the ledger, page by page or as they come",
      description:
        "Going up from `after`, or down from `before`. With a filter a request searches for a limited time, and a page may be empty though more follows: go on from `next` until it has reached `head`, or `first`. Follow the ledger with `after` and `wait`.",
      tags: ["operations"],
    },
  });
}
