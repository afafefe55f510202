/** Every error in the one JSON form of docs/http-api.md, with its status and headers. */
import { CtlstoreError, isCtlstoreError } from "../core/errors.ts";
import type { Logger } from "../core/process/logger.ts";
import { errorBody, errorHeaders } from "../core/wire/error-body.ts";
import { httpStatus } from "../core/wire/http-status.ts";
import { COMMON_HEADERS } from "./state-headers.ts";

/** Answers an error; a defect of ours is also logged, under an id that the caller gets too. */
export function errorAnswer(thrown: unknown, logger: Logger, headers: Record<string, string> = {}): Response {
  const error = isCtlstoreError(thrown) ? thrown : defect(thrown);
  const status = httpStatus(error.code);
  const requestId = status === 500 ? crypto.randomUUID() : undefined;
  if (requestId !== undefined)
    logger.error({ requestId, err: error.details.cause ?? error }, "request failed");
  return Response.json(errorBody(error, requestId), {
    status,
    headers: { ...COMMON_HEADERS, ...errorHeaders(error, status), ...headers },
  });
}

function defect(thrown: unknown): CtlstoreError {
  return new CtlstoreError("internal", "Cannot answer: the sidecar failed on this request", {
    hint: "its log has the reason under this requestId",
    cause: thrown,
  });
}
