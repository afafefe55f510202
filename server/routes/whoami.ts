/** Who the caller is: for people who have several tokens, and for checking one. */
import { Elysia } from "elysia";
import { WhoamiAnswer } from "../../core/wire/access.ts";
import { callerOf } from "../access/actor.ts";
import { ERRORS } from "./common.ts";

function whoami(request: Request) {
  const { name, role } = callerOf(request);
  return { name, role };
}

export function whoamiRoutes() {
  return new Elysia().get("/whoami", ({ request }) => whoami(request), {
    response: { 200: WhoamiAnswer, ...ERRORS },
    detail: { summary: "Name and role of the operator whose token this is", tags: ["operators"] },
  });
}
