/** A writer's cookie: read and store. */
import { Elysia } from "elysia";
import { FORMAT_LIMITS } from "../../core/limits.ts";
import { readBody } from "../../core/process/read-body.ts";
import { sequenceToJson } from "../../core/sequence.ts";
import { SequenceAnswer } from "../../core/wire/answers.ts";
import type { RouteContext } from "../context.ts";
import { writerCredentials } from "../credentials.ts";
import { ERROR_RESPONSES, ERRORS } from "./common.ts";

const RAW = { "application/octet-stream": { schema: { type: "string", format: "binary" } } } as const;

async function readCookie({ ctldb }: RouteContext, { headers }: Request): Promise<ArrayBuffer> {
  const { writer, secret } = writerCredentials(headers);
  return new Uint8Array(await ctldb.readCookie(writer, secret)).buffer;
}

async function storeCookie({ ctldb, limits }: RouteContext, request: Request) {
  const credentials = writerCredentials(request.headers);
  // Before the body is read, which may take its time.
  await ctldb.authenticate(credentials.writer, credentials.secret);
  const cookie = await readBody(request, FORMAT_LIMITS.cookieBytes, limits);
  const { sequence } = await ctldb.write({ ...credentials, family: null, mutations: [], cookie });
  return { sequence: sequenceToJson(sequence) };
}

export function cookieRoutes(context: RouteContext) {
  return new Elysia()
    .get("/cookie", ({ request }) => readCookie(context, request), {
      afterHandle: ({ set }) => {
        set.headers["content-type"] = "application/octet-stream";
      },
      detail: {
        summary: "Read the writer's cookie",
        tags: ["writers"],
        responses: {
          200: { description: "The cookie, raw; empty when none was ever stored.", content: RAW },
          ...ERROR_RESPONSES,
        },
      },
    })
    .post("/cookie", ({ request }) => storeCookie(context, request), {
      parse: "none",
      response: { 200: SequenceAnswer, ...ERRORS },
      detail: {
        summary: "Store the writer's cookie",
        description:
          "Unconditionally; to check and move it in one step, send `check_cookie` to the mutations route.",
        tags: ["writers"],
        requestBody: { required: true, description: "The cookie, raw, at most 1024 bytes.", content: RAW },
      },
    });
}
