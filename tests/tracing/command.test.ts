/** How a service comes to its tracer: by a flag or by the environment, or not at all; a variable that is wrong ends nothing. */
import { describe, expect, test } from "bun:test";
import { resolveOptions } from "../../cli/options.ts";
import { TRACING_OPTIONS, tracingOf } from "../../cli/tracing-options.ts";
import type { Logger } from "../../core/process/logger.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import { SPANS_DROPPED, SPANS_SENT, SPANS_WAITING } from "../../core/process/tracing/trace-metrics.ts";
import { fakeContext } from "../cli/fake-context.ts";
import { makeCa } from "../support/certificates.ts";
import { runProcess } from "../support/process.ts";
import { testSecret } from "../support/secrets.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";

interface Line {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** What a service does at its start. */
async function open(environment: Record<string, string>, flags: Record<string, string[]> = {}) {
  const lines: Line[] = [];
  const note = (fields: Line["fields"], message?: string) =>
    void lines.push({ fields, message: message ?? "" });
  const logger = { debug: note, info: note, warn: note, error: note } as unknown as Logger;
  const metrics = createMetrics();
  const options = resolveOptions(TRACING_OPTIONS, flags, environment);
  const tracing = await tracingOf("ctlstore-test", options, fakeContext({ environment }), {
    logger,
    metrics,
  });
  return { tracing, lines, metrics };
}

describe("a service's tracer", () => {
  test("B14 is not even loaded when nobody asks for traces", async () => {
    const child = new URL("./command-child.ts", import.meta.url).pathname;
    const { stdout, stderr } = await runProcess([process.execPath, child], {
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: undefined },
    });
    expect(stdout, stderr).toBe("off not loaded\non loaded\n");
  });

  test("has its metrics at zero also where nothing is traced", async () => {
    const { tracing, metrics, lines } = await open({});
    expect(tracing).toBeNull();
    expect(lines).toEqual([]);
    const text = await metrics.render();
    for (const series of [SPANS_SENT, SPANS_WAITING, `${SPANS_DROPPED}{reason="queue_full"}`])
      expect(text).toContain(`\n${series} 0\n`);
  });

  test("R45 says where it sends to and how much, and no token", async () => {
    const { tracing, lines } = await open(
      { OTEL_EXPORTER_OTLP_HEADERS: `authorization=${testSecret("otlp")}` },
      { "otlp-endpoint": ["http://collector.example:4318/x"], "trace-ratio": ["0.25"] },
    );
    await tracing?.[Symbol.asyncDispose]();
    expect(lines).toEqual([
      {
        fields: { collector: "collector.example:4318", ratio: 0.25, followsParent: true },
        message: "traces are sent",
      },
    ]);
  });

  test("is none, and the service runs, when the environment is wrong", async () => {
    const wrong = [
      { OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4317" },
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: "https://collector.example",
        OTEL_EXPORTER_OTLP_CERTIFICATE: "/nowhere/ca.pem",
      },
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector.example",
        OTEL_EXPORTER_OTLP_CERTIFICATE: "/nowhere/ca.pem",
      },
    ];
    for (const environment of wrong) {
      const { tracing, lines } = await open(environment);
      expect(tracing).toBeNull();
      expect(lines).toHaveLength(1);
    }
  });

  test("ends the start when a flag is wrong, and does not repeat a password", async () => {
    const url = `http://user:${testSecret("otlp")}@collector.example`;
    for (const flags of [
      { "otlp-endpoint": [url] },
      { "trace-ratio": ["1.1"] },
      { "trace-ratio": ["1e-3"] },
    ]) {
      const failure = await open({}, flags).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: "config_invalid" });
      expect(String(failure)).not.toContain(testSecret("otlp"));
    }
  });

  test("reaches a collector of a private authority, which sees who is asking", async () => {
    using folder = tempFolder("tracing-tls");
    const ca = makeCa(folder);
    const server = ca.issue({ commonName: "collector", hosts: ["localhost"] });
    const client = ca.issue({ commonName: "ctlstore", client: true });
    let requests = 0;
    const collector = Bun.serve({
      port: 0,
      tls: {
        cert: Bun.file(server.certFile),
        key: Bun.file(server.keyFile),
        ca: Bun.file(ca.caFile),
        requestCert: true,
        rejectUnauthorized: true,
      },
      fetch() {
        requests += 1;
        return Response.json({});
      },
    });
    const variables = {
      OTEL_BSP_SCHEDULE_DELAY: "10",
      OTEL_EXPORTER_OTLP_ENDPOINT: `https://localhost:${collector.port}`,
      OTEL_EXPORTER_OTLP_CERTIFICATE: ca.caFile,
      OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: client.certFile,
      OTEL_EXPORTER_OTLP_CLIENT_KEY: client.keyFile,
    };
    const { tracing } = await open(variables);
    tracing?.start("over TLS").end();
    await until(() => requests === 1, { what: "the span to arrive" });
    await tracing?.[Symbol.asyncDispose]();
    await collector.stop(true);
  });
});
