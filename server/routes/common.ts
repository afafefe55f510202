/** What the routes share: the parsers of bodies, and the error answers of the OpenAPI document. */
import { CtlstoreError, quote } from "../../core/errors.ts";
import { parseExactJsonBytes } from "../../core/exact-json.ts";
import { readBody } from "../../core/process/read-body.ts";
import { ErrorAnswer } from "../../core/wire/answers.ts";
import { wireJsonSchema } from "../../core/wire/json-schema.ts";
import type { AppLimits } from "../context.ts";

type BodyParser = (context: { request: Request }) => unknown;

/**
 * For `parse`: any content type is taken for JSON, as the original does, and numbers stay exact (D4, I12).
 *
 * The router's own "json" after it is never reached; it tells the OpenAPI document what the body is.
 *
 * @param before rejects to refuse a request before its body is read
 */
export function exactJson(
  limits: Pick<AppLimits, "requestBytes" | "requestMs" | "bodies">,
  before?: (request: Request) => Promise<void>,
): [BodyParser, "json"] {
  const parse = async ({ request }: { request: Request }) => {
    await before?.(request);
    const bytes = await readBody(request, limits.requestBytes, limits);
    if (bytes.length === 0) throw new CtlstoreError("malformed_request", "Cannot read the body: it is empty");
    return parseExactJsonBytes(bytes);
  };
  return [parse, "json"];
}

/** A query parameter that cannot be what it is. @param needed completes "it needs to be" */
export function notAParameter(name: string, text: string, needed: string): CtlstoreError {
  return new CtlstoreError(
    "malformed_request",
    `Cannot read parameter ${name}: it is ${quote(text)}; it needs to be ${needed}`,
  );
}

/** How many entries a page may have. @throws CtlstoreError `malformed_request` */
export function parsePageLimit(
  text: string | undefined,
  { default: usual, max }: { readonly default: number; readonly max: number },
): number {
  if (text === undefined) return usual;
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > max) throw notAParameter("limit", text, `an integer from 1 to ${max}`);
  return limit;
}

const ALL_ERRORS = {
  400: ErrorAnswer,
  401: ErrorAnswer,
  403: ErrorAnswer,
  404: ErrorAnswer,
  408: ErrorAnswer,
  409: ErrorAnswer,
  413: ErrorAnswer,
  422: ErrorAnswer,
  429: ErrorAnswer,
  500: ErrorAnswer,
  503: ErrorAnswer,
  504: ErrorAnswer,
  507: ErrorAnswer,
} as const;

/**
 * Errors that any route may answer, for the OpenAPI document. Their types are left out: Elysia adds a 422 of its own to
 * each route's type, which would clash; `client/create-client.ts` gives every route the right ones.
 */
export const ERRORS: object = ALL_ERRORS;

/** The same in the document's own words, for the routes whose answers are no JSON. */
export const ERROR_RESPONSES = Object.fromEntries(
  Object.keys(ALL_ERRORS).map((status) => [
    status,
    {
      description: `Response for status ${status}`,
      content: { "application/json": { schema: wireJsonSchema(ErrorAnswer) } },
    },
  ]),
);
