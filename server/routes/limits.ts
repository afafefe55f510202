/** Limits: of tables' sizes, of writers' and the fleet's rates; what is used of them. */
import { Elysia } from "elysia";
import { parseFamilyName, parseTableName } from "../../core/names.ts";
import { RATE_WINDOW_SECONDS, type Rate } from "../../core/rates.ts";
import { sequenceToJson as toJson } from "../../core/sequence.ts";
import {
  FleetRateAnswer,
  FleetRateBody,
  LimitedTableAnswer,
  LimitedWriterAnswer,
  NothingAnswer,
  TableLimitBody,
  TableLimitsAnswer,
  TableSizesAnswer,
  UsageAnswer,
  WriterRateBody,
  WriterRatesAnswer,
} from "../../core/wire/limits.ts";
import type { Usage } from "../../ctldb/limits/contract.ts";
import { actorOf } from "../access/actor.ts";
import type { RouteContext } from "../context.ts";
import { ERRORS, exactJson } from "./common.ts";
import {
  rateAnswer,
  rateOrNull,
  sizeLimitAnswer,
  toFleetRate,
  toSizeLimit,
  toWriterRate,
} from "./limit-values.ts";

interface TableParams {
  readonly family: string;
  readonly table: string;
}

// Tables

async function tableLimits({ ctldb: { limits } }: RouteContext): Promise<TableLimitsAnswer> {
  const tables = await limits.tables();
  return {
    global: sizeLimitAnswer(limits.defaults.table),
    tables: tables.map(({ family, table, limit }) => ({ family, table, ...sizeLimitAnswer(limit) })),
  };
}

async function setTableLimit(
  { ctldb }: RouteContext,
  params: TableParams,
  request: Request,
  body: TableLimitBody,
) {
  const [family, table] = [parseFamilyName(params.family), parseTableName(params.table)];
  await ctldb.limits.setTable(family, table, toSizeLimit(body), await actorOf(request));
  return { family, table };
}

async function resetTableLimit({ ctldb }: RouteContext, params: TableParams, request: Request) {
  const [family, table] = [parseFamilyName(params.family), parseTableName(params.table)];
  await ctldb.limits.resetTable(family, table, await actorOf(request));
  return { family, table };
}

async function tableSizes({ ctldb }: RouteContext): Promise<TableSizesAnswer> {
  const sizes = await ctldb.limits.sizes();
  return {
    tables: sizes.map(({ family, table, bytes, state, limit }) => ({
      family,
      table,
      bytes: bytes === null ? null : toJson(bytes),
      state,
      ...sizeLimitAnswer(limit),
    })),
  };
}

// Writers and the fleet

async function writerRates({ ctldb: { limits } }: RouteContext): Promise<WriterRatesAnswer> {
  const writers = await limits.writers();
  return {
    global: rateAnswer(limits.defaults.writer),
    writers: writers.map(({ writer, rate }) => ({ writer, "rate-limit": rateAnswer(rate) })),
  };
}

async function setWriterRate(
  { ctldb }: RouteContext,
  writer: string,
  request: Request,
  body: WriterRateBody,
) {
  await ctldb.limits.setWriter(writer, toWriterRate(body), await actorOf(request));
  return { writer };
}

async function resetWriterRate({ ctldb }: RouteContext, writer: string, request: Request) {
  await ctldb.limits.resetWriter(writer, await actorOf(request));
  return { writer };
}

async function fleetRate({ ctldb: { limits } }: RouteContext): Promise<FleetRateAnswer> {
  const override = await limits.fleet();
  return override === null
    ? { "rate-limit": rateOrNull(limits.defaults.fleet), source: "default" }
    : { "rate-limit": rateOrNull(override), source: "override" };
}

async function setFleetRate({ ctldb }: RouteContext, request: Request, body: FleetRateBody) {
  await ctldb.limits.setFleet(toFleetRate(body), await actorOf(request));
  return {};
}

async function resetFleetRate({ ctldb }: RouteContext, request: Request) {
  await ctldb.limits.resetFleet(await actorOf(request));
  return {};
}

async function usage({ ctldb }: RouteContext): Promise<UsageAnswer> {
  const { windowStart, fleet, writers } = await ctldb.limits.usage();
  return {
    window: { start: new Date(windowStart * 1000).toISOString(), seconds: RATE_WINDOW_SECONDS },
    fleet: used(fleet),
    writers: writers.map((each) => ({ writer: each.writer, ...used(each) })),
  };
}

function used({ rows, bytes, rate }: Usage & { readonly rate: Rate }) {
  return { rows: toJson(rows), bytes: toJson(bytes), "rate-limit": rateOrNull(rate) };
}

const detail = (summary: string, description?: string) => ({
  summary,
  ...(description === undefined ? {} : { description }),
  tags: ["limits"],
});

const PATTERN =
  "A name, or the beginning of names followed by `*`: then it holds for each writer whose name begins so and that has no limit of its own, for each by itself.";

export function limitRoutes(context: RouteContext) {
  return new Elysia().use(tableLimitRoutes(context)).use(writerRateRoutes(context)).use(fleetRoutes(context));
}

function tableLimitRoutes(context: RouteContext) {
  const TABLE = "/limits/tables/:family/:table";
  return new Elysia()
    .get("/limits/tables", () => tableLimits(context), {
      response: { 200: TableLimitsAnswer, ...ERRORS },
      detail: detail(
        "The size limits of tables: the default, and those of their own",
        "The default is this Executive's; null is no limit.",
      ),
    })
    .post(TABLE, ({ params, request, body }) => setTableLimit(context, params, request, body), {
      parse: exactJson(context.limits),
      body: TableLimitBody,
      response: { 200: LimitedTableAnswer, ...ERRORS },
      detail: detail("Give a table a size limit of its own"),
    })
    .delete(TABLE, ({ params, request }) => resetTableLimit(context, params, request), {
      parse: "none",
      response: { 200: LimitedTableAnswer, ...ERRORS },
      detail: detail("Put a table back to the default size limit"),
    })
    .get("/limits/sizes", () => tableSizes(context), {
      response: { 200: TableSizesAnswer, ...ERRORS },
      detail: detail("The sizes of all tables as last measured, the largest first"),
    });
}

function writerRateRoutes(context: RouteContext) {
  const WRITER = "/limits/writers/:writer";
  return new Elysia()
    .get("/limits/writers", () => writerRates(context), {
      response: { 200: WriterRatesAnswer, ...ERRORS },
      detail: detail(
        "The rate limits of writers: the default, and those of their own",
        "The default is this Executive's.",
      ),
    })
    .post(WRITER, ({ params, request, body }) => setWriterRate(context, params.writer, request, body), {
      parse: exactJson(context.limits),
      body: WriterRateBody,
      response: { 200: LimitedWriterAnswer, ...ERRORS },
      detail: detail("Give a writer a rate limit of its own", PATTERN),
    })
    .delete(WRITER, ({ params, request }) => resetWriterRate(context, params.writer, request), {
      parse: "none",
      response: { 200: LimitedWriterAnswer, ...ERRORS },
      detail: detail("Put a writer back to the default rate limit", PATTERN),
    })
    .get("/limits/usage", () => usage(context), {
      response: { 200: UsageAnswer, ...ERRORS },
      detail: detail("What writers and the fleet have used of this minute, the busiest first"),
    });
}

function fleetRoutes(context: RouteContext) {
  return new Elysia()
    .get("/limits/fleet", () => fleetRate(context), {
      response: { 200: FleetRateAnswer, ...ERRORS },
      detail: detail("The rate limit of all writers together; null is none"),
    })
    .post("/limits/fleet", ({ request, body }) => setFleetRate(context, request, body), {
      parse: exactJson(context.limits),
      body: FleetRateBody,
      response: { 200: NothingAnswer, ...ERRORS },
      detail: detail("Limit all writers together"),
    })
    .delete("/limits/fleet", ({ request }) => resetFleetRate(context, request), {
      parse: "none",
      response: { 200: NothingAnswer, ...ERRORS },
      detail: detail("Put the fleet back to the default rate limit"),
    });
}
