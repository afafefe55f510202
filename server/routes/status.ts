/** How the Executive is doing: for operators, load balancers and Prometheus. */
import { Elysia } from "elysia";
import { sequenceToJson } from "../../core/sequence.ts";
import { VERSION } from "../../core/version.ts";
import { type StatusAnswer, StatusAnswer as StatusSchema } from "../../core/wire/answers.ts";
import type { RouteContext } from "../context.ts";
import { Readiness } from "../readiness.ts";
import { ERROR_RESPONSES, ERRORS } from "./common.ts";

async function status({ ctldb, clock }: RouteContext, startedMs: number): Promise<StatusAnswer> {
  const { kind, server, epoch, headSequence, schemaVersion } = await ctldb.status();
  return {
    version: VERSION,
    uptimeSeconds: Math.floor((clock.monotonicMs() - startedMs) / 1000),
    ctldb: {
      kind,
      server,
      epoch,
      headSequence: sequenceToJson(headSequence),
      schemaVersion: sequenceToJson(schemaVersion),
    },
  };
}

/** Ready means that a write could be taken now; when it could not, the ctldb's own error is the answer. */
async function ready(readiness: Readiness): Promise<string> {
  await readiness.check();
  return "ready\n";
}

/** Answers whatever the ctldb does (R46). */
async function renderMetrics({ metrics }: RouteContext): Promise<Response> {
  return new Response(await metrics.render(), { headers: { "content-type": metrics.contentType } });
}

const detail = (summary: string) => ({ summary, tags: ["operations"] });

/** Of a route that answers text. */
const plainDetail = (summary: string) => ({
  ...detail(summary),
  responses: {
    200: { description: summary, content: { "text/plain": { schema: { type: "string" as const } } } },
    ...ERROR_RESPONSES,
  },
});

export function statusRoutes(context: RouteContext) {
  const startedMs = context.clock.monotonicMs();
  const readiness = new Readiness(context);
  return new Elysia()
    .get("/status", () => status(context, startedMs), {
      response: { 200: StatusSchema, ...ERRORS },
      detail: detail("Version, uptime, and where the ledger stands"),
    })
    .get("/healthz", () => "ok\n", { detail: plainDetail("Answers as long as the process lives") })
    .get("/readyz", () => ready(readiness), {
      detail: plainDetail("Answers 200 when the ctldb can be reached"),
    })
    .get("/metrics", () => renderMetrics(context), {
      detail: plainDetail("Metrics in Prometheus' text format"),
    });
}
