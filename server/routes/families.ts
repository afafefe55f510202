/** Families: create and list. */
import { Elysia } from "elysia";
import { parseFamilyName } from "../../core/names.ts";
import { FamiliesAnswer, FamilyAnswer } from "../../core/wire/answers.ts";
import type { RouteContext } from "../context.ts";
import { ADMIN, ERRORS } from "./common.ts";

async function createFamily({ ctldb }: RouteContext, rawFamily: string) {
  const family = parseFamilyName(rawFamily);
  await ctldb.createFamily(family);
  return { family };
}

async function listFamilies({ ctldb }: RouteContext) {
  const { families } = await ctldb.catalog();
  return { families: [...families].sort() };
}

export function familyRoutes(context: RouteContext) {
  return new Elysia()
    .get("/families", () => listFamilies(context), {
      response: { 200: FamiliesAnswer, ...ERRORS },
      detail: { summary: "List the families", tags: ["schema"], security: ADMIN },
    })
    .post("/families/:family", ({ params }) => createFamily(context, params.family), {
      parse: "none",
      response: { 200: FamilyAnswer, ...ERRORS },
      detail: { summary: "Create a family", tags: ["schema"], security: ADMIN },
    });
}
