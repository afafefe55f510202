/** Operators: list, make one with its token, revoke. */
import { Elysia } from "elysia";
import { CtlstoreError, quote } from "../../core/errors.ts";
import { parseOperatorName } from "../../core/names.ts";
import {
  NewOperatorAnswer,
  OperatorBody,
  OperatorNameAnswer,
  OperatorsAnswer,
} from "../../core/wire/access.ts";
import { ANONYMOUS_CALLER, actorOf, callerOf } from "../access/actor.ts";
import type { RouteContext } from "../context.ts";
import { ERRORS, exactJson } from "./common.ts";
import { isoOfUs } from "./times.ts";

async function listOperators({ ctldb }: RouteContext): Promise<OperatorsAnswer> {
  const operators = await ctldb.operators.list();
  return {
    operators: operators.map(({ name, role, createdUs, createdBy }) => ({
      name,
      role,
      createdAt: isoOfUs(createdUs),
      createdBy,
    })),
  };
}

async function createOperator(
  { ctldb }: RouteContext,
  rawName: string,
  { role }: OperatorBody,
  request: Request,
): Promise<NewOperatorAnswer> {
  const name = parseOperatorName(rawName);
  assertLocksNobodyOut(request, role);
  const { operator, token } = await ctldb.operators.create(name, role, await actorOf(request));
  return { name: operator.name, role: operator.role, token };
}

/** With the first operator an open Executive begins to ask for tokens; somebody must be able to make the next ones. */
function assertLocksNobodyOut(request: Request, role: string): void {
  if (role === "admin" || callerOf(request) !== ANONYMOUS_CALLER) return;
  throw new CtlstoreError(
    "invalid_value",
    `Cannot create the first operator with role ${quote(role)}: nobody could create another one; it needs to be admin`,
    { field: "role" },
  );
}

async function revokeOperator({ ctldb }: RouteContext, rawName: string, request: Request) {
  const name = parseOperatorName(rawName);
  await ctldb.operators.revoke(name, await actorOf(request));
  return { name };
}

export function operatorRoutes(context: RouteContext) {
  return new Elysia()
    .get("/operators", () => listOperators(context), {
      response: { 200: OperatorsAnswer, ...ERRORS },
      detail: { summary: "List the operators", tags: ["operators"] },
    })
    .post(
      "/operators/:name",
      ({ params, request, body }) => createOperator(context, params.name, body, request),
      {
        parse: exactJson(context.limits),
        body: OperatorBody,
        response: { 200: NewOperatorAnswer, ...ERRORS },
        detail: {
          summary: "Make an operator, and its token",
          description: "The token is in this answer and nowhere else.",
          tags: ["operators"],
        },
      },
    )
    .delete("/operators/:name", ({ params, request }) => revokeOperator(context, params.name, request), {
      parse: "none",
      response: { 200: OperatorNameAnswer, ...ERRORS },
      detail: {
        summary: "Revoke an operator",
        description: "Its token is refused everywhere within a second.",
        tags: ["operators"],
      },
    });
}
