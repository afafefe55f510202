/** The Executive's HTTP face: the routes, and the front door before them. Nothing here listens; see `executive.ts`. */
import { Elysia } from "elysia";
import { EXECUTIVE_LIMITS, LISTEN_LIMITS } from "../core/limits.ts";
import { BodyBudget } from "../core/process/read-body.ts";
import { AnswerBudget } from "./answer-budget.ts";
import type { AppDeps, AppOptions, RouteContext } from "./context.ts";
import { ANSWER_BYTES } from "./executive-metrics.ts";
import { FrontDoor, type Handle } from "./front-door.ts";
import { LateDocument, openapiRoutes } from "./openapi/routes.ts";
import { tracedErrorAnswer } from "./request-trace.ts";
import { auditRoutes } from "./routes/audit.ts";
import { cookieRoutes } from "./routes/cookie.ts";
import { familyRoutes } from "./routes/families.ts";
import { historyRoutes } from "./routes/history.ts";
import { ledgerRoutes } from "./routes/ledger.ts";
import { limitRoutes } from "./routes/limits.ts";
import { mutationRoutes } from "./routes/mutations.ts";
import { operatorRoutes } from "./routes/operators.ts";
import { readerRoutes } from "./routes/readers.ts";
import { rowRoutes } from "./routes/rows.ts";
import { schemaRoutes } from "./routes/schema.ts";
import { statusRoutes } from "./routes/status.ts";
import { tableRoutes } from "./routes/tables.ts";
import { whoamiRoutes } from "./routes/whoami.ts";
import { writerRoutes } from "./routes/writers.ts";

/**
 * Makes the Executive's app. `app.handle(request)` answers a request with no port at all.
 *
 * One app per `metrics`, since each registers its own.
 */
export function createApp(deps: AppDeps, options: AppOptions) {
  const context: RouteContext = {
    ...deps,
    destructiveSchemaChanges: options.destructiveSchemaChanges ?? false,
    stopping: options.stopping ?? new AbortController().signal,
    limits: {
      requestBytes: options.limits?.requestBytes ?? EXECUTIVE_LIMITS.requestBytes,
      mutationsPerRequest: options.limits?.mutationsPerRequest ?? EXECUTIVE_LIMITS.mutationsPerRequest,
      requestMs: options.limits?.requestMs ?? LISTEN_LIMITS.requestMs.default,
      bodies: options.limits?.bodies ?? new BodyBudget(),
      answers: options.limits?.answers ?? new AnswerBudget(),
    },
  };
  const { answers } = context.limits;
  deps.metrics.gaugeOf(ANSWER_BYTES, "Bytes of large answers made and not taken yet", () => answers.held);
  const document = new LateDocument();
  const app = new Elysia({ strictPath: true })
    .onError({ as: "global" }, ({ error, request }): unknown =>
      tracedErrorAnswer(error, request, context.logger),
    )
    .use(openapiRoutes(document))
    .use(mutationRoutes(context))
    .use(cookieRoutes(context))
    .use(writerRoutes(context))
    .use(operatorRoutes(context))
    .use(whoamiRoutes())
    .use(auditRoutes(context))
    .use(readerRoutes(context))
    .use(familyRoutes(context))
    .use(tableRoutes(context))
    .use(schemaRoutes(context))
    .use(rowRoutes(context))
    .use(ledgerRoutes(context))
    .use(historyRoutes(context))
    .use(limitRoutes(context))
    .use(statusRoutes(context));
  document.describes(app);
  const door = new FrontDoor(context, options, app.routes);
  // Elysia types what it hands over here as any function; it is its own request handler.
  return app.wrap((handle) => (request: Request) => door.serve(request, handle as unknown as Handle));
}

/** The type from which the client is derived. */
export type App = ReturnType<typeof createApp>;
