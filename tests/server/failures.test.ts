/** What goes wrong inside: the ctldb is away, the outcome is unknown, a handler fails. The server lives. */
import { expect, test } from "bun:test";
import { CtlstoreError, ERROR_CODES, type ErrorCode } from "../../core/errors.ts";
import type { Logger } from "../../core/process/logger.ts";
import { httpStatus } from "../../core/wire/http-status.ts";
import type { CtlDb } from "../../ctldb/contract.ts";
import { openTestApp, WRITER } from "./test-app.ts";

const BATCH = { mutations: [{ table: "counter", values: { id: 1 } }] };

/** A ctldb whose `write` and `status` throw what they are given, until it is null. */
function failing() {
  const fault: { error: unknown } = { error: null };
  const wrap = (ctldb: CtlDb): CtlDb =>
    new Proxy(ctldb, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        const method = member.bind(target);
        if (name !== "write" && name !== "status") return method;
        return async (...parameters: unknown[]) => {
          if (fault.error !== null) throw fault.error;
          return method(...parameters);
        };
      },
    });
  return { fault, wrap };
}

/** A logger that keeps its error lines. */
function recordingLogger(): { logger: Logger; errors: Record<string, unknown>[] } {
  const errors: Record<string, unknown>[] = [];
  const nothing = () => {};
  const logger = {
    debug: nothing,
    info: nothing,
    warn: nothing,
    error: (fields: Record<string, unknown>) => errors.push(fields),
  };
  // The app never makes child loggers; pino's other overloads are not needed.
  return { logger: { ...logger, child: () => logger } as unknown as Logger, errors };
}

test("a crash in a handler is 500 internal with an id that is in the log, tells nothing, and the server lives", async () => {
  const { fault, wrap } = failing();
  const { logger, errors } = recordingLogger();
  await using app = await openTestApp({ wrap, logger });
  for (const thrown of [new TypeError("secret detail"), "secret detail", undefined, { secret: "detail" }]) {
    fault.error = thrown === undefined ? new Error("secret detail") : thrown;
    const answer = await app.mutate(BATCH);
    expect([answer.status, answer.code]).toEqual([500, "internal"]);
    expect(answer.text).not.toContain("detail");
    const { requestId } = (answer.json as { error: { requestId: string } }).error;
    expect(errors.at(-1)?.["requestId"]).toBe(requestId);
  }
  fault.error = null;
  expect((await app.mutate(BATCH)).status).toBe(200);
});

test("a ctldb that is away is 503 with Retry-After on every route that needs it", async () => {
  const { fault, wrap } = failing();
  await using app = await openTestApp({ wrap });
  fault.error = new CtlstoreError("ctldb_unavailable", "Cannot reach the ctldb", { retryAfterSeconds: 2.5 });
  const answers = [
    await app.mutate(BATCH),
    await app.call({ method: "POST", path: "/cookie", body: "x", headers: WRITER }),
    await app.call({ method: "GET", path: "/status" }),
    await app.call({ method: "GET", path: "/readyz", headers: {} }),
  ];
  for (const answer of answers) {
    expect([answer.status, answer.code, answer.headers.get("retry-after")]).toEqual([
      503,
      "ctldb_unavailable",
      "3",
    ]);
  }
});

test("R46 health and metrics answer while the ctldb is away", async () => {
  const { fault, wrap } = failing();
  await using app = await openTestApp({ wrap });
  fault.error = new CtlstoreError("ctldb_unavailable", "Cannot reach the ctldb");
  for (const path of ["/healthz", "/metrics"]) {
    expect((await app.call({ method: "GET", path, headers: {} })).status).toBe(200);
  }
});

test("each error code has its documented status", () => {
  const documented: Partial<Record<ErrorCode, number>> = {
    malformed_request: 400,
    bad_credentials: 401,
    not_granted: 403,
    unknown_table: 404,
    method_not_allowed: 405,
    cookie_conflict: 409,
    request_too_large: 413,
    invalid_value: 422,
    rate_limited: 429,
    internal: 500,
    overloaded: 503,
    commit_outcome_unknown: 504,
    table_full: 507,
  };
  for (const [code, status] of Object.entries(documented))
    expect([code, httpStatus(code as ErrorCode)]).toEqual([code, status]);
  for (const code of ERROR_CODES) expect(httpStatus(code)).toBeGreaterThanOrEqual(400);
});
