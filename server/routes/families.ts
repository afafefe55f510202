/** Families: create and list. */
import { Elysia } from "elysia";
import { type FamilyName, parseFamilyName } from "../../core/names.ts";
import { check } from "../../core/schema-problems.ts";
import { FamiliesAnswer, FamilyAnswer } from "../../core/wire/answers.ts";
import { DryRunQuery, orPreview } from "../../core/wire/preview.ts";
import { actorOf } from "../access/actor.ts";
import type { RouteContext } from "../context.ts";
import { ERRORS } from "./common.ts";
import { makeOrShow } from "./dry-run.ts";

function createFamily(context: RouteContext, rawFamily: string, query: DryRunQuery, request: Request) {
  return makeOrShow(context, query, {
    checked: check(() => parseFamilyName(rawFamily)),
    describe: (family: FamilyName) => ({ kind: "create-family", family }),
    make: async (family) => {
      await context.ctldb.createFamily(family, await actorOf(request));
      return { family };
    },
  });
}

async function listFamilies({ ctldb }: RouteContext) {
  const { families } = await ctldb.catalog();
  return { families: [...families].sort() };
}

export function familyRoutes(context: RouteContext) {
  return new Elysia()
    .get("/families", () => listFamilies(context), {
      response: { 200: FamiliesAnswer, ...ERRORS },
      detail: { summary: "List the families", tags: ["schema"] },
    })
    .post(
      "/families/:family",
      ({ params, query, request }) => createFamily(context, params.family, query, request),
      {
        parse: "none",
        query: DryRunQuery,
        response: { 200: orPreview(FamilyAnswer), ...ERRORS },
        detail: { summary: "Create a family", tags: ["schema"] },
      },
    );
}
