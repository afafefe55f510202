/** Writers: register. */
import { Elysia } from "elysia";
import { WriterAnswer } from "../../core/wire/answers.ts";
import type { RouteContext } from "../context.ts";
import { newSecret, newWriterName } from "../credentials.ts";
import { readBody } from "../read-body.ts";
import { ADMIN, ERRORS } from "./common.ts";

/** Far above any secret, so that a long one is told its length. */
const SECRET_BODY_BYTES = 4096;

async function registerWriter({ ctldb }: RouteContext, rawWriter: string, request: Request) {
  const writer = newWriterName(rawWriter);
  await ctldb.writers.register(writer, newSecret(await readBody(request, SECRET_BODY_BYTES)));
  return { writer };
}

export function writerRoutes(context: RouteContext) {
  return new Elysia().post(
    "/writers/:writer",
    ({ params, request }) => registerWriter(context, params.writer, request),
    {
      parse: "none",
      response: { 200: WriterAnswer, ...ERRORS },
      detail: {
        summary: "Register a writer",
        description: "The same name and secret again is a no-op; another secret answers 409.",
        tags: ["writers"],
        security: ADMIN,
        requestBody: {
          required: true,
          description: "The secret, 3 to 100 characters, as raw text.",
          content: { "text/plain": { schema: { type: "string", minLength: 3, maxLength: 100 } } },
        },
      },
    },
  );
}
