/** What flags and OpenTelemetry's variables come to: nothing without an endpoint, and never a failed start over a variable. */
import { describe, expect, test } from "bun:test";
import { readTraceSettings, type TraceFlags } from "../../core/process/tracing/settings.ts";
import { testSecret } from "../support/secrets.ts";

const ENDPOINT = "http://collector:4318";

function read(variables: Record<string, string>, flags: TraceFlags = {}) {
  return readTraceSettings("ctlstore-test", flags, variables);
}

function settingsOf(variables: Record<string, string>, flags: TraceFlags = { otlpEndpoint: ENDPOINT }) {
  const { settings, complaints } = read(variables, flags);
  if (settings === null) throw new Error("nothing is traced");
  expect(complaints).toEqual([]);
  return settings;
}

describe("the settings of traces", () => {
  test("are none when no endpoint is given, and when OpenTelemetry is switched off", () => {
    expect(read({})).toEqual({ settings: null, complaints: [] });
    expect(read({ OTEL_SERVICE_NAME: "a", OTEL_TRACES_SAMPLER: "always_on" }).settings).toBeNull();
    expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT: "" }).settings).toBeNull();
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT };
    expect(read({ ...endpoint, OTEL_SDK_DISABLED: "TRUE" }, { otlpEndpoint: ENDPOINT }).settings).toBeNull();
    expect(read({ ...endpoint, OTEL_TRACES_EXPORTER: "none" }).settings).toBeNull();
    expect(read({ ...endpoint, OTEL_SDK_DISABLED: "false" }).settings).not.toBeNull();
  });

  test("send to what the flag says, else to the endpoint of traces as it is, else below the common one", () => {
    const own = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://t.example/in" };
    const common = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c.example:4318/otlp/" };
    const url = (variables: Record<string, string>, flags: TraceFlags = {}) =>
      settingsOf(variables, flags).url;
    expect(url({ ...own, ...common }, { otlpEndpoint: ENDPOINT })).toBe(`${ENDPOINT}/v1/traces`);
    expect(url({ ...own, ...common })).toBe("https://t.example/in");
    expect(url(common)).toBe("http://c.example:4318/otlp/v1/traces");
  });

  test("have OpenTelemetry's defaults", () => {
    const { sampling, resource, gzip, intervalMs, queueSpans, batchSpans, requestMs } = settingsOf({});
    expect({ sampling, resource, gzip }).toEqual({
      sampling: { ratio: 1, followsParent: true },
      resource: { "service.name": "ctlstore-test" },
      gzip: false,
    });
    expect([intervalMs, queueSpans, batchSpans, requestMs]).toEqual([5_000, 2_048, 512, 10_000]);
  });

  test("take headers, compression, certificates, times and sizes of the environment, those of traces first", () => {
    const settings = settingsOf({
      OTEL_EXPORTER_OTLP_HEADERS: "a=1",
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: `authorization=Bearer%20${testSecret("otlp")}, tenant = x`,
      OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
      OTEL_EXPORTER_OTLP_TIMEOUT: "2000",
      OTEL_EXPORTER_OTLP_CERTIFICATE: "ca.pem",
      OTEL_BSP_SCHEDULE_DELAY: "100",
      OTEL_BSP_MAX_QUEUE_SIZE: "10",
    });
    expect(settings).toMatchObject({
      headers: { authorization: `Bearer ${testSecret("otlp")}`, tenant: "x" },
      gzip: true,
      requestMs: 2_000,
      files: { caFile: "ca.pem", certFile: undefined, keyFile: undefined },
      intervalMs: 100,
      queueSpans: 10,
      batchSpans: 10,
    });
  });

  test("name the service as the environment does, with its attributes beside it", () => {
    const attributes = { OTEL_RESOURCE_ATTRIBUTES: "service.name=inner,deployment.environment.name=a%2Cb" };
    const more = { "deployment.environment.name": "a,b" };
    expect(settingsOf(attributes).resource).toEqual({ "service.name": "inner", ...more });
    const named = { ...attributes, OTEL_SERVICE_NAME: "outer" };
    expect(settingsOf(named).resource).toEqual({ "service.name": "outer", ...more });
  });

  test("sample as the flag says, else as the environment does", () => {
    const sampling = (OTEL_TRACES_SAMPLER: string, OTEL_TRACES_SAMPLER_ARG = "") =>
      settingsOf({ OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG }).sampling;
    expect(sampling("always_on")).toEqual({ ratio: 1, followsParent: false });
    expect(sampling("always_off")).toEqual({ ratio: 0, followsParent: false });
    expect(sampling("traceidratio", "0.25")).toEqual({ ratio: 0.25, followsParent: false });
    expect(sampling("parentbased_always_off")).toEqual({ ratio: 0, followsParent: true });
    expect(sampling("parentbased_traceidratio", "0.01")).toEqual({ ratio: 0.01, followsParent: true });
    expect(sampling("parentbased_traceidratio")).toEqual({ ratio: 1, followsParent: true });
    const flags = { otlpEndpoint: ENDPOINT, traceRatio: 0.5 };
    const given = settingsOf({ OTEL_TRACES_SAMPLER: "always_off" }, flags);
    expect(given.sampling).toEqual({ ratio: 0.5, followsParent: true });
  });

  test("R45 complain of variables that are wrong by name and not by value, and go on", () => {
    const secret = testSecret("wrong");
    const wrong: Record<string, string> = {
      OTEL_EXPORTER_OTLP_HEADERS: `authorization ${secret}`,
      OTEL_EXPORTER_OTLP_TIMEOUT: secret,
      OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
      OTEL_BSP_MAX_QUEUE_SIZE: "0",
      OTEL_RESOURCE_ATTRIBUTES: "a=%zz",
      OTEL_TRACES_SAMPLER: "traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "1.5",
    };
    const { settings, complaints } = read(wrong, { otlpEndpoint: ENDPOINT });
    expect(settings).toMatchObject({
      headers: {},
      requestMs: 10_000,
      queueSpans: 2_048,
      sampling: { ratio: 1 },
      resource: { "service.name": "ctlstore-test" },
    });
    const named = Object.keys(wrong).filter((name) => name !== "OTEL_TRACES_SAMPLER");
    expect(complaints.map((text) => text.split(":")[0]).sort()).toEqual(named.sort());
    expect(complaints.join()).not.toContain(secret);
  });

  test("R45 leave out headers that no request could have: on Node the reason of the failure would show the token", () => {
    const secret = testSecret("unsendable");
    for (const header of [
      `authorization=Bearer%20${secret}%0Aand-more`,
      `authorization=${secret}%E2%82%AC`,
      `two words=${secret}`,
    ]) {
      const { settings, complaints } = read(
        { OTEL_EXPORTER_OTLP_HEADERS: header },
        { otlpEndpoint: ENDPOINT },
      );
      expect(settings?.headers).toEqual({});
      expect(complaints.map((text) => text.split(":")[0])).toEqual(["OTEL_EXPORTER_OTLP_HEADERS"]);
      expect(complaints.join()).not.toContain(secret);
    }
  });

  test("are none, with a complaint, when the environment's endpoint cannot be used", () => {
    for (const endpoint of [
      "collector:4317",
      "ftp://x",
      "http://",
      `http://user:${testSecret("otlp")}@host`,
    ]) {
      const { settings, complaints } = read({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
      expect(settings).toBeNull();
      expect(complaints).toHaveLength(1);
      expect(complaints[0]).toStartWith("OTEL_EXPORTER_OTLP_ENDPOINT: ");
      expect(complaints[0]).not.toContain(testSecret("otlp"));
    }
  });
});
