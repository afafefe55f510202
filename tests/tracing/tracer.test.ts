/** The tracer on a real collector: spans arrive whole, are bounded, and a collector that is away is in nobody's way (I13). */
import { describe, expect, test } from "bun:test";
import { TRACE_LIMITS } from "../../core/limits.ts";
import { systemClock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import { openTracing, type Tracing } from "../../core/process/tracing/open.ts";
import { readTraceSettings, type TraceFlags } from "../../core/process/tracing/settings.ts";
import {
  createTraceMeter,
  SPANS_DROPPED,
  SPANS_SENT,
  SPANS_WAITING,
} from "../../core/process/tracing/trace-metrics.ts";
import { parseTraceparent } from "../../core/process/tracing/traceparent.ts";
import { inSpan, withTrace } from "../../core/process/tracing/tracer.ts";
import { testSecret } from "../support/secrets.ts";
import { until } from "../support/until.ts";
import { type Collector, startCollector } from "./collector.ts";

const PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const UNSAMPLED = PARENT.replace(/01$/, "00");

interface World extends AsyncDisposable {
  readonly tracing: Tracing;
  /** Messages of the log. */
  readonly log: readonly string[];
  /** The value of a metric, all its series together, or one by its label. */
  metric(name: string, label?: string): Promise<number>;
}

function open(
  collector: Pick<Collector, "url">,
  {
    variables = {},
    flags = {},
    stopMs = TRACE_LIMITS.stopMs,
  }: { variables?: Record<string, string>; flags?: TraceFlags; stopMs?: number } = {},
): World {
  const quick = { OTEL_BSP_SCHEDULE_DELAY: "10", ...variables };
  const { settings } = readTraceSettings("ctlstore-test", { otlpEndpoint: collector.url, ...flags }, quick);
  if (settings === null) throw new Error("nothing is traced");
  const log: string[] = [];
  const note = (_fields: unknown, message?: string) => void log.push(message ?? "");
  const logger: Logger = { debug: note, info: note, warn: note, error: note, child: () => logger };
  const metrics = createMetrics();
  const meter = createTraceMeter(metrics);
  const tracing = openTracing(
    { ...settings, stopMs },
    { logger, clock: systemClock, random: () => 0, meter },
  );
  return {
    tracing,
    log,
    async metric(name, label = "") {
      const lines = (await metrics.render()).split("\n").filter((line) => line.startsWith(name));
      return lines
        .filter((line) => line.includes(label))
        .reduce((sum, line) => sum + Number(line.split(" ")[1]), 0);
    },
    [Symbol.asyncDispose]: () => tracing[Symbol.asyncDispose](),
  };
}

describe("a tracer", () => {
  test("sends a trace with its tree, times, attributes and failure, to the collector's path, with its headers", async () => {
    await using collector = startCollector();
    const headers = { OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${testSecret("otlp")}` };
    await using world = open(collector, {
      variables: { ...headers, OTEL_EXPORTER_OTLP_COMPRESSION: "gzip" },
    });
    const root = world.tracing.start("root", {
      kind: "server",
      parent: PARENT,
      state: "vendor=1",
      startUs: 1_700_000_000_000_001,
      attributes: { text: "a", large: 2n ** 60n, exact: 2n ** 53n - 1n, half: 0.5, yes: true },
    });
    const child = root.child("child", { startUs: 1_700_000_000_000_002 });
    child.fail("overloaded");
    child.end(1_700_000_000_000_003);
    root.end(1_700_000_000_123_456);
    const [seenRoot] = await collector.sees("root");
    const [seenChild] = await collector.sees("child");
    const context = parseTraceparent(PARENT);
    expect(seenRoot).toMatchObject({
      service: "ctlstore-test",
      traceId: context?.traceId,
      parent: context?.spanId,
      state: "vendor=1",
      kind: 2,
      failed: false,
      startUs: 1_700_000_000_000_001,
      endUs: 1_700_000_000_123_456,
      attributes: {
        text: "a",
        large: "1152921504606846976",
        exact: Number.MAX_SAFE_INTEGER,
        half: 0.5,
        yes: true,
      },
    });
    expect(seenChild).toMatchObject({
      traceId: context?.traceId,
      parent: root.spanId,
      failed: true,
      attributes: { "error.type": "overloaded" },
    });
    expect(collector.requests[0]?.path).toBe("/v1/traces");
    expect(collector.requests[0]?.headers.get("authorization")).toBe(`Bearer ${testSecret("otlp")}`);
    await until(async () => (await world.metric(SPANS_SENT)) === 2, { what: "the collector's answer" });
    expect(await world.metric(SPANS_WAITING)).toBe(0);
  });

  test("goes on with its parent's decision, begins anew when the parent is none, and keeps the part that it shall", async () => {
    await using collector = startCollector();
    await using none = open(collector, { flags: { traceRatio: 0 } });
    expect(none.tracing.start("a").isSampled).toBe(false);
    expect(none.tracing.start("a", { parent: "nonsense" }).isSampled).toBe(false);
    expect(none.tracing.start("a", { parent: PARENT }).isSampled).toBe(true);
    await using all = open(collector);
    const unsampled = all.tracing.start("b", { parent: UNSAMPLED });
    expect(unsampled.isSampled).toBe(false);
    // Whoever goes on with it is told so.
    expect(parseTraceparent(unsampled.traceparent)).toMatchObject({
      traceId: parseTraceparent(PARENT)?.traceId ?? "",
      isSampled: false,
    });
    unsampled.child("c").end();
    unsampled.end();
    expect(all.tracing.start("b", { parent: PARENT.toUpperCase() }).isSampled).toBe(true);
    await using deaf = open(collector, { variables: { OTEL_TRACES_SAMPLER: "always_off" } });
    expect(deaf.tracing.start("a", { parent: PARENT }).isSampled).toBe(false);
    await using some = open(collector, { flags: { traceRatio: 0.5 } });
    const kept = Array.from({ length: 400 }, () => some.tracing.start("d")).filter((span) => span.isSampled);
    expect(kept.length).toBeGreaterThan(100);
    expect(kept.length).toBeLessThan(300);
    await all.tracing[Symbol.asyncDispose]();
    expect(collector.spans).toEqual([]);
  });

  test("I13 drops and counts what finds no room while the collector is away, says so once, and sends the rest later", async () => {
    await using collector = startCollector();
    collector.mood = 503;
    await using world = open(collector, { variables: { OTEL_BSP_MAX_QUEUE_SIZE: "10" } });
    for (let i = 0; i < 10; i++) world.tracing.start("early").end();
    await until(() => world.log.length > 0, { what: "the collector to be found away" });
    for (let i = 0; i < 15; i++) world.tracing.start("late").end();
    expect(await world.metric(SPANS_DROPPED, 'reason="queue_full"')).toBe(15);
    expect(await world.metric(SPANS_WAITING)).toBe(10);
    collector.mood = 200;
    await collector.sees("early", 10);
    await until(() => world.log.length > 1, { what: "the log to say that it is back" });
    expect(world.log).toEqual(["traces cannot be sent; nothing else is affected", "traces are sent again"]);
    expect(await world.metric(SPANS_SENT)).toBe(10);
    world.tracing.start("after").end();
    await collector.sees("after");
  });

  test("drops and counts what the collector refuses, and does not send it again", async () => {
    await using collector = startCollector();
    collector.mood = 500;
    await using world = open(collector);
    world.tracing.start("refused").end();
    await until(async () => (await world.metric(SPANS_DROPPED, 'reason="refused"')) === 1, {
      what: "a refusal",
    });
    collector.mood = 200;
    world.tracing.start("taken").end();
    await collector.sees("taken");
    expect(collector.spans.map(({ name }) => name)).toEqual(["taken"]);
  });

  test("sends what waits when it ends, and takes no more", async () => {
    await using collector = startCollector();
    const world = open(collector, {
      variables: { OTEL_BSP_SCHEDULE_DELAY: "3600000", OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "4" },
    });
    for (let i = 0; i < 3; i++) world.tracing.start("last").end();
    await world.tracing[Symbol.asyncDispose]();
    expect(collector.spans).toHaveLength(3);
    world.tracing.start("too late").end();
    await world.tracing[Symbol.asyncDispose]();
    expect(await world.metric(SPANS_DROPPED, 'reason="stopped"')).toBe(1);
    expect(collector.spans).toHaveLength(3);
  });

  test("ends in its time when the collector never answers, or is not there", async () => {
    await using silent = startCollector();
    silent.mood = "silent";
    const gone = startCollector();
    await gone[Symbol.asyncDispose]();
    // More patience with one request than this test has.
    const variables = { OTEL_EXPORTER_OTLP_TIMEOUT: "300000" };
    const worlds = [silent, gone].map((collector) => open(collector, { variables, stopMs: 50 }));
    for (const world of worlds) world.tracing.start("lost").end();
    await until(() => silent.requests.length > 0, { what: "the silent collector to be asked" });
    await Promise.all(worlds.map((world) => world.tracing[Symbol.asyncDispose]()));
    for (const world of worlds) expect(await world.metric(SPANS_DROPPED, 'reason="stopped"')).toBe(1);
  });

  test("follows no redirection: a token is for nobody else", async () => {
    await using other = startCollector();
    const { listenPlainly } = await import("../support/http-server.ts");
    const redirecting = listenPlainly("127.0.0.1:0", () => Response.redirect(`${other.url}/v1/traces`, 307));
    const world = open({ url: redirecting.url });
    world.tracing.start("kept back").end();
    await until(async () => (await world.metric(SPANS_DROPPED, 'reason="refused"')) === 1, {
      what: "a refusal",
    });
    expect(other.requests).toEqual([]);
    await world.tracing[Symbol.asyncDispose]();
    await redirecting.stop(true);
  });
});

describe("inSpan", () => {
  test("gives the task its traceparent, fails with it, and is nothing without a tracer", async () => {
    await using collector = startCollector();
    await using world = open(collector);
    const task = inSpan(
      world.tracing,
      "task",
      () => ({ parent: PARENT }),
      async ({ traceparent }) => {
        expect(parseTraceparent(traceparent)?.traceId).toBe(parseTraceparent(PARENT)?.traceId);
        throw new Error("no");
      },
    );
    await task.then(
      () => expect.unreachable(),
      () => {},
    );
    expect((await collector.sees("task"))[0]).toMatchObject({ failed: true });
    const untraced = await inSpan(
      undefined,
      "x",
      () => expect.unreachable() as never,
      async (traced) => traced,
    );
    expect(untraced).toEqual({});
  });
});

describe("withTrace", () => {
  test("puts the trace into the log when the span is kept, and leaves the logger as it is otherwise", async () => {
    await using collector = startCollector();
    await using world = open(collector);
    const fields: unknown[] = [];
    const logger = { child: (more: unknown) => fields.push(more) } as unknown as Logger;
    const span = world.tracing.start("logged");
    withTrace(logger, span);
    expect(fields).toEqual([{ trace_id: span.traceId, span_id: span.spanId }]);
    expect(withTrace(logger, world.tracing.start("x", { parent: UNSAMPLED }))).toBe(logger);
    expect(withTrace(logger, undefined)).toBe(logger);
  });
});
