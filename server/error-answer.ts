/** Every error as the one JSON form of docs/http-api.md, with its status and headers. */
import { NotFoundError } from "elysia";
import { CtlstoreError } from "../core/errors.ts";
import type { Logger } from "../core/process/logger.ts";
import { errorBody, errorHeaders } from "../core/wire/error-body.ts";
import { httpStatus } from "../core/wire/http-status.ts";
import { withCommonHeaders } from "./access/response-headers.ts";

/** The CtlstoreError behind whatever was thrown; what we did not raise on purpose is `internal`. */
export function toCtlstoreError(thrown: unknown): CtlstoreError {
  if (thrown instanceof CtlstoreError) return thrown;
  // Elysia wraps what a body parser throws.
  if (thrown instanceof Error && thrown.cause instanceof CtlstoreError) return thrown.cause;
  if (thrown instanceof NotFoundError) return unknownRoute();
  return new CtlstoreError("internal", "Cannot answer: the Executive failed on this request", {
    hint: "its log has the reason under this requestId",
    cause: thrown,
  });
}

export function unknownRoute(): CtlstoreError {
  return new CtlstoreError("unknown_route", "Cannot find this route", {
    hint: "GET /openapi lists the routes",
  });
}

/** Answers an error; a defect of ours is also logged, under an id that the caller gets too. */
export function errorAnswer(thrown: unknown, logger: Logger): Response {
  const error = toCtlstoreError(thrown);
  const status = httpStatus(error.code);
  const requestId = status === 500 ? crypto.randomUUID() : undefined;
  if (requestId !== undefined)
    logger.error({ requestId, err: error.details.cause ?? error }, "request failed");
  const body = errorBody(error, requestId);
  return withCommonHeaders(Response.json(body, { status, headers: errorHeaders(error, status) }));
}
