/**
 * The write route: one request is one atomic batch.
 *
 * A request may also carry a cookie alone. One without mutations and without a cookie changes nothing: it checks the
 * credentials, the family and `check_cookie`, and answers the head of the ledger.
 */
import { Elysia } from "elysia";
import { CtlstoreError } from "../../core/errors.ts";
import { FORMAT_LIMITS } from "../../core/limits.ts";
import { parseFamilyName, parseTableName } from "../../core/names.ts";
import { sequenceToJson } from "../../core/sequence.ts";
import { SequenceAnswer } from "../../core/wire/answers.ts";
import { MutationsBody, type WireMutation } from "../../core/wire/bodies.ts";
import type { Mutation } from "../../ctldb/contract.ts";
import type { RouteContext } from "../context.ts";
import { writerCredentials } from "../credentials.ts";
import { spanOf, tellTrace } from "../request-trace.ts";
import { ERRORS, exactJson } from "./common.ts";

/** Before the body is read: a megabyte of JSON takes tens of milliseconds, and whoever is no writer shall not have them. */
async function authenticate({ ctldb }: RouteContext, request: Request): Promise<void> {
  const { writer, secret } = writerCredentials(request.headers);
  await ctldb.authenticate(writer, secret);
  tellTrace(request, { "ctlstore.writer": writer });
}

async function write(context: RouteContext, rawFamily: string, request: Request, body: MutationsBody) {
  const wireMutations = body.mutations ?? [];
  assertMutationCount(wireMutations.length, context.limits.mutationsPerRequest);
  const cookie = decodeCookie("cookie", body.cookie);
  const checkCookie = decodeCookie("check_cookie", body.check_cookie);
  const family = parseFamilyName(rawFamily);
  const span = spanOf(request);
  span?.set({ "ctlstore.family": family, "ctlstore.mutations": wireMutations.length });
  const { sequence } = await context.ctldb.write({
    ...writerCredentials(request.headers),
    family,
    mutations: wireMutations.map(parseMutation),
    ...(cookie === undefined ? {} : { cookie }),
    ...(checkCookie === undefined ? {} : { checkCookie }),
    ...(span === undefined ? {} : { span }),
  });
  span?.set({ "ctlstore.sequence": sequence });
  return { sequence: sequenceToJson(sequence) };
}

function assertMutationCount(count: number, limit: number): void {
  if (count <= limit) return;
  throw new CtlstoreError(
    "too_many_mutations",
    `Cannot apply ${count} mutations at once: the limit is ${limit}`,
    {
      hint: "send them in several requests",
    },
  );
}

function parseMutation(mutation: WireMutation, index: number): Mutation {
  try {
    const kind = mutation.delete === true ? "delete" : "upsert";
    return { table: parseTableName(mutation.table), kind, values: mutation.values };
  } catch (error) {
    throw error instanceof CtlstoreError ? error.with({ index }) : error;
  }
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** @throws CtlstoreError `malformed_request` (not base64), `invalid_value` (too long) */
function decodeCookie(field: string, text: string | null | undefined): Uint8Array | undefined {
  if (text === null || text === undefined) return undefined;
  const bytes = BASE64.test(text) ? Buffer.from(text, "base64") : null;
  // What does not encode back to itself has bits that would be lost.
  if (bytes === null || bytes.toString("base64") !== text) {
    throw new CtlstoreError("malformed_request", `Cannot read ${field}: it is not base64 with padding`, {
      field,
    });
  }
  if (bytes.length > FORMAT_LIMITS.cookieBytes) {
    throw new CtlstoreError(
      "invalid_value",
      `Cannot store ${field}: it has ${bytes.length} bytes; at most ${FORMAT_LIMITS.cookieBytes} fit`,
      { field },
    );
  }
  return bytes;
}

export function mutationRoutes(context: RouteContext) {
  return new Elysia().post(
    "/families/:family/mutations",
    ({ params, request, body }) => write(context, params.family, request, body),
    {
      parse: exactJson(context.limits, (request) => authenticate(context, request)),
      body: MutationsBody,
      response: { 200: SequenceAnswer, ...ERRORS },
      detail: {
        summary: "Write a batch of mutations",
        description:
          "Upserts and deletes of one family, applied in order, all or none, and the cookie with them.",
        tags: ["writes"],
      },
    },
  );
}
