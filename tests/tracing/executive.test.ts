/** The Executive's part of a trace: what is in it, what never is, and what stands in the ledger. */
import { describe, expect, test } from "bun:test";
import { systemClock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import { openTracing } from "../../core/process/tracing/open.ts";
import { readTraceSettings } from "../../core/process/tracing/settings.ts";
import { createApp } from "../../server/app.ts";
import { ADMIN, ADMIN_TOKEN, openTestApp, type TestApp, WRITER } from "../server/test-app.ts";
import { type Collector, startCollector } from "./collector.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = `00-${TRACE}-00f067aa0ba902b7-01`;
const VALUE = "a value that is nobody's business";

interface TracedApp extends AsyncDisposable {
  readonly base: TestApp;
  readonly collector: Collector;
  send(path: string, init?: RequestInit): Promise<Response>;
  mutate(headers?: Record<string, string>, body?: object): Promise<Response>;
  /** `trace` of each ledger entry. */
  traces(): readonly (string | null)[];
}

const BATCH = {
  mutations: [
    { table: "item", values: { name: "eur", note: VALUE } },
    { table: "item", values: { name: "usd", note: VALUE } },
  ],
};

async function openTracedApp(
  variables: Record<string, string> = {},
  logger: Logger = silentLogger,
): Promise<TracedApp> {
  const collector = startCollector();
  const base = await openTestApp();
  const all = { OTEL_BSP_SCHEDULE_DELAY: "10", OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...variables };
  const { settings } = readTraceSettings("ctlstore-executive", {}, all);
  if (settings === null) throw new Error("nothing is traced");
  const tracer = openTracing(settings, { logger: silentLogger, clock: systemClock });
  const app = createApp(
    { ...base.deps, logger, metrics: createMetrics(), tracer },
    { adminToken: ADMIN_TOKEN },
  );
  const send = async (path: string, init: RequestInit = {}) =>
    app.handle(new Request(`http://localhost${path}`, { headers: ADMIN, ...init }));
  return {
    base,
    collector,
    send,
    mutate: (headers = {}, body = BATCH) =>
      send("/families/shop/mutations", {
        method: "POST",
        headers: { ...WRITER, ...headers },
        body: JSON.stringify(body),
      }),
    traces: () =>
      base
        .rows("SELECT trace FROM ctlstore_dml_ledger WHERE writer IS NOT NULL ORDER BY seq")
        .map((row) => (row as { trace: string | null }).trace),
    async [Symbol.asyncDispose]() {
      await tracer[Symbol.asyncDispose]();
      await base[Symbol.asyncDispose]();
      await collector[Symbol.asyncDispose]();
    },
  };
}

describe("a traced write", () => {
  test("goes on with its caller's trace, tells wait and ledger transaction, and stands in its ledger entries", async () => {
    await using app = await openTracedApp();
    const answer = await app.mutate({ traceparent: PARENT, tracestate: "vendor=1" });
    const { sequence } = (await answer.json()) as { sequence: number };
    const [request] = await app.collector.sees("POST /families/:family/mutations");
    const [queue] = await app.collector.sees("ledger.queue");
    const [transaction] = await app.collector.sees("ledger.transaction");
    expect(request).toMatchObject({
      traceId: TRACE,
      parent: "00f067aa0ba902b7",
      state: "vendor=1",
      kind: 2,
      failed: false,
      attributes: {
        "http.request.method": "POST",
        "http.route": "/families/:family/mutations",
        "http.response.status_code": 200,
        "ctlstore.writer": "importer",
        "ctlstore.family": "shop",
        "ctlstore.mutations": 2,
        "ctlstore.sequence": sequence,
      },
    });
    for (const span of [queue, transaction])
      expect(span).toMatchObject({ traceId: TRACE, parent: request?.spanId });
    const attributes = { "ctlstore.group_writes": 1, "ctlstore.sequence": sequence };
    expect(transaction?.attributes).toEqual(attributes);
    expect(Number(queue?.endUs)).toBeLessThanOrEqual(Number(transaction?.startUs));
    // Both markers and both rows.
    expect(app.traces()).toEqual(Array(4).fill(`00-${TRACE}-${transaction?.spanId}-01`));
  });

  test("leaves nothing in the ledger when it is not sampled, by its parent or by chance", async () => {
    await using app = await openTracedApp({ OTEL_TRACES_SAMPLER: "parentbased_always_off" });
    expect((await app.mutate({ traceparent: PARENT.replace(/01$/, "00") })).status).toBe(200);
    expect((await app.mutate()).status).toBe(200);
    // A traceparent that is none is not there.
    expect((await app.mutate({ traceparent: PARENT.toUpperCase() })).status).toBe(200);
    expect(app.traces()).toEqual(Array(12).fill(null));
    await app.mutate({ traceparent: PARENT });
    await app.collector.sees("ledger.transaction");
    expect(app.collector.spans.map(({ traceId }) => traceId)).toEqual([TRACE, TRACE, TRACE]);
  });

  test("has each write of a group in its own trace, whoever else is in the group", async () => {
    await using app = await openTracedApp({ OTEL_TRACES_SAMPLER: "parentbased_always_off" });
    const one = (name: string) => ({ mutations: [{ table: "item", values: { name } }] });
    const ids = ["1", "2", "3"].map((digit) => digit.repeat(32));
    await Promise.all([
      app.mutate({}, one("untraced")),
      ...ids.map((id) => app.mutate({ traceparent: `00-${id}-00f067aa0ba902b7-01` }, one(id))),
    ]);
    const transactions = await app.collector.sees("ledger.transaction", 3);
    expect(transactions.map(({ traceId }) => traceId).sort()).toEqual(ids);
    const stored = app.traces();
    expect(stored.filter((trace) => trace === null)).toHaveLength(1);
    for (const { traceId, spanId } of transactions) expect(stored).toContain(`00-${traceId}-${spanId}-01`);
  });

  test("says with which code it was refused, and counts as failed only where the Executive failed", async () => {
    await using app = await openTracedApp();
    const wrong = { mutations: [{ table: "nowhere", values: { name: "x" } }] };
    expect((await app.mutate({}, wrong)).status).toBe(404);
    expect((await app.mutate({ "ctlstore-secret": "wrong" })).status).toBe(401);
    expect((await app.mutate({}, { ...BATCH, check_cookie: "AAAA" })).status).toBe(409);
    const spans = await app.collector.sees("POST /families/:family/mutations", 3);
    expect(spans.map(({ failed, attributes }) => [failed, attributes["ctlstore.error_code"]])).toEqual([
      [false, "unknown_table"],
      [false, "bad_credentials"],
      [false, "cookie_conflict"],
    ]);
    // Who was not let in is not named: anybody can send any name.
    expect(spans.map(({ attributes }) => attributes["ctlstore.writer"])).toEqual([
      "importer",
      undefined,
      "importer",
    ]);
    const [transaction] = await app.collector.sees("ledger.transaction");
    expect(transaction).toMatchObject({ failed: true, attributes: { "error.type": "cookie_conflict" } });
  });

  test("R45 tells no value, no secret, no path and no query", async () => {
    await using app = await openTracedApp();
    await app.mutate({ traceparent: PARENT });
    await app.mutate({}, { mutations: [{ table: "item", values: { name: "x", order: VALUE } }] });
    await app.send(`/families/${encodeURIComponent(VALUE)}/tables?q=${encodeURIComponent(VALUE)}`);
    await app.send(`/nowhere/${encodeURIComponent(VALUE)}`);
    await app.collector.sees("GET none");
    await app.collector.sees("POST /families/:family/mutations", 2);
    const told = app.collector.bodies.join();
    for (const secret of [VALUE, encodeURIComponent(VALUE), WRITER["ctlstore-secret"], ADMIN_TOKEN])
      expect(told).not.toContain(secret);
  });
});

describe("any other request", () => {
  test("has a span by its route, but not what machines ask all the time", async () => {
    await using app = await openTracedApp();
    for (const path of ["/healthz", "/readyz", "/metrics", "/status"]) await app.send(path);
    await app.collector.sees("GET /status");
    expect(app.collector.spans.map(({ name }) => name)).toEqual(["GET /status"]);
  });

  test("is found in the log by its trace when the Executive fails on it", async () => {
    const children: unknown[] = [];
    const lines: unknown[] = [];
    const line = (fields: unknown) => void lines.push(fields);
    const child: Logger = { ...silentLogger, error: line };
    const logger: Logger = {
      ...silentLogger,
      error: line,
      child(fields) {
        children.push(fields);
        return child;
      },
    };
    await using app = await openTracedApp({}, logger);
    app.base.ctldb.status = () => Promise.reject(new Error("a defect"));
    expect((await app.send("/status", { headers: { ...ADMIN, traceparent: PARENT } })).status).toBe(500);
    const [span] = await app.collector.sees("GET /status");
    expect(span).toMatchObject({ failed: true, attributes: { "error.type": "internal" } });
    expect(children).toEqual([{ trace_id: TRACE, span_id: span?.spanId }]);
    expect(lines).toHaveLength(1);
  });
});
