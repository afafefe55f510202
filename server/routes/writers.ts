/** Writers: register, list, give a new secret, revoke, and what they may write. */
import { Elysia } from "elysia";
import { CtlstoreError, quote } from "../../core/errors.ts";
import { ACCESS_LIMITS } from "../../core/limits.ts";
import { type FamilyName, parseFamilyName, parseWriterName } from "../../core/names.ts";
import { readBody } from "../../core/process/read-body.ts";
import { parsePeriodNs } from "../../core/rates.ts";
import { GrantsBody, RotateQuery, WriterInfoAnswer, WritersAnswer } from "../../core/wire/access.ts";
import { WriterAnswer } from "../../core/wire/answers.ts";
import type { WriterInfo } from "../../ctldb/access/contract.ts";
import { actorOf } from "../access/actor.ts";
import type { AppLimits, RouteContext } from "../context.ts";
import { newSecret, newWriterName } from "../credentials.ts";
import { exactQuery } from "../exact-query.ts";
import { ERRORS, exactJson } from "./common.ts";
import { isoOfSeconds } from "./times.ts";

/** Far above any secret, so that a long one is told its length. */
const SECRET_BODY_BYTES = 4096;

function infoAnswer({ previousSecretUntil, ...info }: WriterInfo): WriterInfoAnswer {
  const { writer, grants, revoked, secretForm } = info;
  return {
    writer,
    grants: grants === null ? null : [...grants],
    revoked,
    secretForm,
    previousSecretUntil: previousSecretUntil === null ? null : isoOfSeconds(previousSecretUntil),
  };
}

async function listWriters({ ctldb }: RouteContext) {
  return { writers: (await ctldb.writers.list()).map(infoAnswer) };
}

async function secretOf(request: Request, limits: AppLimits) {
  return newSecret(await readBody(request, SECRET_BODY_BYTES, limits));
}

async function showWriter({ ctldb }: RouteContext, rawWriter: string) {
  return infoAnswer(await ctldb.writers.find(parseWriterName(rawWriter)));
}

async function registerWriter({ ctldb, limits }: RouteContext, rawWriter: string, request: Request) {
  const writer = newWriterName(rawWriter);
  const secret = await secretOf(request, limits);
  await ctldb.writers.register(writer, secret, await actorOf(request));
  return { writer };
}

async function rotateSecret(
  { ctldb, limits }: RouteContext,
  rawWriter: string,
  { overlap }: RotateQuery,
  request: Request,
) {
  const writer = parseWriterName(rawWriter);
  const overlapSeconds = parseOverlap(overlap);
  const secret = await secretOf(request, limits);
  return infoAnswer(await ctldb.writers.rotate(writer, secret, overlapSeconds, await actorOf(request)));
}

const NO_OVERLAP = /^0+(?:\.0+)?(?:ns|us|µs|μs|ms|s|m|h)?$/;
const SECOND_NS = 1_000_000_000n;

/** Whole seconds, rounded up: what was promised is kept. */
function parseOverlap(text: string | undefined): number {
  const { default: usual, max } = ACCESS_LIMITS.secretOverlapSeconds;
  if (text === undefined) return usual;
  if (NO_OVERLAP.test(text)) return 0;
  const seconds = (overlapNs(text) + SECOND_NS - 1n) / SECOND_NS;
  if (seconds <= BigInt(max)) return Number(seconds);
  throw new CtlstoreError(
    "invalid_value",
    `Cannot keep the old secret for ${quote(text)}: at most ${max / 3600}h are allowed`,
    { field: "overlap" },
  );
}

function overlapNs(text: string): bigint {
  try {
    return parsePeriodNs(text);
  } catch (cause) {
    throw new CtlstoreError("invalid_value", `Cannot use ${quote(text)} as overlap: it is no period`, {
      field: "overlap",
      hint: "such as 24h, 90m or 0s",
      cause,
    });
  }
}

async function revokeWriter({ ctldb }: RouteContext, rawWriter: string, request: Request) {
  const writer = parseWriterName(rawWriter);
  await ctldb.writers.revoke(writer, await actorOf(request));
  return { writer };
}

async function grantFamilies(
  { ctldb }: RouteContext,
  rawWriter: string,
  { families }: GrantsBody,
  request: Request,
) {
  const writer = parseWriterName(rawWriter);
  const granted = families === null ? null : parseGrants(families);
  return infoAnswer(await ctldb.writers.grant(writer, granted, await actorOf(request)));
}

function parseGrants(names: readonly string[]): FamilyName[] {
  const families = names.map(parseFamilyName);
  const repeated = families.find((family, i) => families.indexOf(family) !== i);
  if (repeated === undefined) return families;
  throw new CtlstoreError("invalid_value", `Cannot grant family ${quote(repeated)} twice`, {
    field: "families",
  });
}

const SECRET_BODY = {
  required: true,
  description: "The secret, 3 to 100 characters, as raw text.",
  content: { "text/plain": { schema: { type: "string", minLength: 3, maxLength: 100 } } },
} as const;

export function writerRoutes(context: RouteContext) {
  return new Elysia()
    .get("/writers", () => listWriters(context), {
      response: { 200: WritersAnswer, ...ERRORS },
      detail: { summary: "List the writers, with what each may write", tags: ["writers"] },
    })
    .get("/writers/:writer", ({ params }) => showWriter(context, params.writer), {
      response: { 200: WriterInfoAnswer, ...ERRORS },
      detail: { summary: "A writer, with what it may write", tags: ["writers"] },
    })
    .post("/writers/:writer", ({ params, request }) => registerWriter(context, params.writer, request), {
      parse: "none",
      response: { 200: WriterAnswer, ...ERRORS },
      detail: {
        summary: "Register a writer",
        description: "The same name and secret again is a no-op; another secret answers 409.",
        tags: ["writers"],
        requestBody: SECRET_BODY,
      },
    })
    .delete("/writers/:writer", ({ params, request }) => revokeWriter(context, params.writer, request), {
      parse: "none",
      response: { 200: WriterAnswer, ...ERRORS },
      detail: {
        summary: "Revoke a writer",
        description:
          "Its secrets are refused everywhere within a second. Its cookie stays, and a new secret makes it valid again.",
        tags: ["writers"],
      },
    })
    .post(
      "/writers/:writer/secret",
      ({ params, query, request }) => rotateSecret(context, params.writer, query, request),
      {
        parse: "none",
        transform: exactQuery,
        query: RotateQuery,
        response: { 200: WriterInfoAnswer, ...ERRORS },
        detail: {
          summary: "Give a writer a new secret",
          description:
            "The old one stays valid for `overlap`, so that no request fails while the new one is brought out; one alone: a second change within that time ends the oldest at once. Of a revoked writer: makes it valid again.",
          tags: ["writers"],
          requestBody: SECRET_BODY,
        },
      },
    )
    .put(
      "/writers/:writer/grants",
      ({ params, request, body }) => grantFamilies(context, params.writer, body, request),
      {
        parse: exactJson(context.limits),
        body: GrantsBody,
        response: { 200: WriterInfoAnswer, ...ERRORS },
        detail: {
          summary: "Say which families a writer may write",
          description:
            "In place of what was granted before. An empty list is none; null is as if nothing had ever been granted, which is all, or none with --require-grants.",
          tags: ["writers"],
        },
      },
    );
}
