/**
 * One trace from a client to the LDBs, through real processes: client → Executive → ledger → Reflectors; with collectors
 * that are there, dead, slow and broken, which no write may notice.
 */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { createClient, unwrap, Writer } from "../../client/index.ts";
import { SPANS_DROPPED } from "../../core/process/tracing/trace-metrics.ts";
import { mysqlQuery } from "../ctldb/mysql-target.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { testSecret } from "../support/secrets.ts";
import {
  SERVICE_ADMIN_TOKEN,
  type ServiceProcess,
  startExecutiveService,
  startReflectorService,
} from "../support/services.ts";
import { isDeep } from "../support/suite.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { type Collector, startCollector } from "./collector.ts";

const SECRET = testSecret("tracing-writer");
const QUICK = ["--poll-interval-ms", "20"];

let traces = 0;

/** A caller's own `traceparent`, each time of another trace. */
function newTraceparent(flags = "01"): string {
  traces += 1;
  return `00-${traces.toString(16).padStart(32, "a")}-00f067aa0ba902b7-${flags}`;
}

const traceIdOf = (traceparent: string): string => traceparent.slice(3, 35);

async function prepare(url: string): Promise<Writer> {
  const client = createClient(url, { adminToken: SERVICE_ADMIN_TOKEN });
  unwrap(await client.families({ family: "shop" }).post());
  unwrap(
    await client
      .families({ family: "shop" })
      .tables({ table: "currency" })
      .post({
        fields: [
          ["code", "string"],
          ["digits", "integer"],
        ],
        keyFields: ["code"],
      }),
  );
  unwrap(await client.writers({ writer: "importer" }).post(SECRET));
  return writerAt(url);
}

function writerAt(url: string): Writer {
  return new Writer({ url, writer: "importer", secret: SECRET, family: "shop" });
}

const row = (code: string) => ({ table: "currency", values: { code, digits: 2 } });

function traced(collector: Collector, more: readonly string[] = []): string[] {
  return ["--otlp-endpoint", collector.url, ...more];
}

/** Sent soon instead of after five seconds. */
const HURRY = { OTEL_BSP_SCHEDULE_DELAY: "20" };

type Variables = Readonly<Record<string, string>>;

function executiveAt(
  ctldb: string,
  flags: readonly string[],
  variables: Variables = HURRY,
): Promise<ServiceProcess> {
  return startExecutiveService(ctldb, flags, 0, variables);
}

function reflectorAt(
  ctldb: string,
  ldbFolder: string,
  flags: readonly string[],
  variables: Variables = HURRY,
): Promise<ServiceProcess> {
  return startReflectorService(ctldb, ldbFolder, [...QUICK, ...flags], variables);
}

async function reaches(reflector: ServiceProcess, sequence: bigint): Promise<void> {
  await until(async () => BigInt((await statusOf(reflector)).sequence) >= sequence, {
    what: `the Reflector at ${sequence}`,
  });
}

async function statusOf({ url }: ServiceProcess): Promise<{ readonly sequence: number }> {
  return (await fetch(`${url}/status`)).json() as Promise<{ sequence: number }>;
}

async function metricOf({ url }: ServiceProcess, name: string): Promise<number> {
  const headers = { authorization: `Bearer ${SERVICE_ADMIN_TOKEN}` };
  const text = await (await fetch(`${url}/metrics`, { headers })).text();
  const lines = text.split("\n").filter((line) => line.startsWith(name));
  expect(lines).not.toEqual([]);
  return lines.reduce((sum, line) => sum + Number(line.split(" ")[1]), 0);
}

interface Ctldb {
  readonly name: string;
  run(use: (url: string, traces: () => Promise<readonly unknown[]>) => Promise<void>): Promise<void>;
}

const SELECT = "SELECT trace FROM ctlstore_dml_ledger WHERE writer IS NOT NULL ORDER BY seq";

const CTLDBS: readonly Ctldb[] = [
  {
    name: "SQLite",
    async run(use) {
      using folder = tempFolder("tracing");
      const path = folder.file("ctldb.db");
      await use(`sqlite:${path}`, async () => {
        using database = new Database(path, { readonly: true });
        return database
          .query<{ trace: unknown }, []>(SELECT)
          .all()
          .map(({ trace }) => trace);
      });
    },
  },
  {
    name: "MariaDB",
    async run(use) {
      const url = await (await sharedMariadb()).createDatabase();
      await use(url, async () => (await mysqlQuery(url, SELECT)).map(([trace]) => trace));
    },
  },
];

for (const { name, run } of CTLDBS) {
  describe(`a trace on ${name}`, () => {
    test("has the client's id in the Executive, in the ledger and in each Reflector, also one that comes later", () =>
      run(async (ctldb, stored) => {
        using folder = tempFolder("tracing-ldb");
        await using collector = startCollector();
        await using executive = await executiveAt(ctldb, traced(collector));
        const writer = await prepare(executive.url);
        await using first = await reflectorAt(ctldb, folder.file("a"), traced(collector));
        const traceparent = newTraceparent();
        const { sequence } = await writer.write([row("EUR"), row("USD")], { traceparent });
        await reaches(first, sequence);
        const [applied] = await collector.sees("ledger.apply");
        const [transaction] = (await collector.sees("ledger.transaction")).filter(
          (span) => span.traceId === traceIdOf(traceparent),
        );
        expect(applied).toMatchObject({
          service: "ctlstore-reflector",
          traceId: traceIdOf(traceparent),
          parent: transaction?.spanId,
          attributes: { "ctlstore.sequence": Number(sequence), "ctlstore.entries": 4 },
        });
        expect(applied?.host).not.toBe("");
        const lag = Number(applied?.attributes["ctlstore.lag_seconds"]);
        expect(lag).toBeGreaterThan(0);
        expect(transaction).toMatchObject({ service: "ctlstore-executive" });
        expect(await stored()).toEqual(
          Array(4).fill(`00-${traceIdOf(traceparent)}-${transaction?.spanId}-01`),
        );
        // A new host, hours later as it were, and one that traces nothing.
        const start = (folderName: string, flags: readonly string[]) =>
          reflectorAt(ctldb, folder.file(folderName), flags);
        const [late, deaf] = await Promise.all([start("b", traced(collector)), start("c", [])]);
        await using _late = late;
        await using _deaf = deaf;
        await Promise.all([reaches(late, sequence), reaches(deaf, sequence)]);
        const both = await collector.sees("ledger.apply", 2);
        expect(new Set(both.map(({ traceId }) => traceId)).size).toBe(1);
      }));
  });
}

describe("a trace", () => {
  test("is nowhere when nothing is sampled, and the flag for the ratio is heeded", async () => {
    using folder = tempFolder("tracing");
    const ctldb = `sqlite:${folder.file("ctldb.db")}`;
    await using collector = startCollector();
    await using executive = await executiveAt(ctldb, traced(collector, ["--trace-ratio", "0"]));
    const writer = await prepare(executive.url);
    await writer.write([row("EUR")]);
    await writer.write([row("EUR")], { traceparent: newTraceparent("00") });
    const traceparent = newTraceparent();
    const { sequence } = await writer.write([row("EUR")], { traceparent });
    await collector.sees("ledger.transaction");
    using database = new Database(folder.file("ctldb.db"), { readonly: true });
    const rows = database.query<{ seq: number }, []>(
      "SELECT seq FROM ctlstore_dml_ledger WHERE trace IS NOT NULL",
    );
    expect(rows.all()).toEqual([{ seq: Number(sequence) }]);
    expect(new Set(collector.spans.map(({ traceId }) => traceId))).toEqual(new Set([traceIdOf(traceparent)]));
  });

  test("that a killed Reflector had not applied is ended once by the next; none is told twice", async () => {
    using folder = tempFolder("tracing");
    const ctldb = `sqlite:${folder.file("ctldb.db")}`;
    await using collector = startCollector();
    await using executive = await executiveAt(ctldb, traced(collector));
    const writer = await prepare(executive.url);
    const flags = traced(collector);
    const first = await reflectorAt(ctldb, folder.file("ldb"), flags);
    const before = await writer.write([row("before")], { traceparent: newTraceparent() });
    await reaches(first, before.sequence);
    await collector.sees("ledger.apply");
    await first.process.kill();
    const after = await writer.write([row("after")], { traceparent: newTraceparent() });
    await using second = await reflectorAt(ctldb, folder.file("ldb"), flags);
    await reaches(second, after.sequence);
    await collector.sees("ledger.apply", 2);
    // What it sends at its end is all that there is.
    second.process.signal("SIGTERM");
    expect(await second.process.exited).toEqual({ code: 0, signal: null });
    const applied = collector.spans.filter((span) => span.name === "ledger.apply");
    expect(applied.map(({ attributes }) => attributes["ctlstore.sequence"])).toEqual(
      [before, after].map(({ sequence }) => Number(sequence)),
    );
  });

  test("is sent at SIGTERM, though it would have waited for long", async () => {
    using folder = tempFolder("tracing");
    await using collector = startCollector();
    const patient = { OTEL_BSP_SCHEDULE_DELAY: "3600000" };
    const ctldb = `sqlite:${folder.file("ctldb.db")}`;
    await using executive = await executiveAt(ctldb, traced(collector), patient);
    const writer = await prepare(executive.url);
    await writer.write([row("EUR")]);
    expect(collector.spans).toEqual([]);
    executive.process.signal("SIGTERM");
    expect(await executive.process.exited).toEqual({ code: 0, signal: null });
    expect(collector.spans.map((span) => span.name)).toContain("ledger.transaction");
  });
});

describe("a collector that", () => {
  for (const [what, mood] of [
    ["never answers", "silent"],
    ["answers 500", 500],
    ["is not there", null],
    ["answers 503", 503],
  ] as const) {
    // The last one is as the one before, but for the code.
    test.skipIf(mood === 503 && !isDeep)(
      `${what} costs no write and no entry, and is told of in one line and a metric`,
      async () => {
        using folder = tempFolder("tracing");
        const ctldb = `sqlite:${folder.file("ctldb.db")}`;
        const collector = startCollector();
        if (mood === null) await collector[Symbol.asyncDispose]();
        else collector.mood = mood;
        const variables = { ...HURRY, OTEL_BSP_MAX_QUEUE_SIZE: "4", OTEL_EXPORTER_OTLP_TIMEOUT: "200" };
        try {
          const flags = traced(collector);
          await using executive = await executiveAt(ctldb, flags, variables);
          await using reflector = await reflectorAt(ctldb, folder.file("ldb"), flags, variables);
          const writer = await prepare(executive.url);
          let last = 0n;
          for (let i = 0; i < 30; i++) last = (await writer.write([row(`C${i}`)])).sequence;
          await reaches(reflector, last);
          await until(async () => (await metricOf(executive, SPANS_DROPPED)) > 0, {
            what: "spans to be dropped",
          });
          const line = "traces cannot be sent";
          for (const { process: service } of [executive, reflector]) {
            await service.waitForOutput(new RegExp(line));
            expect(service.stderr.split(line)).toHaveLength(2);
            service.signal("SIGTERM");
            expect(await service.exited).toEqual({ code: 0, signal: null });
          }
        } finally {
          if (mood !== null) await collector[Symbol.asyncDispose]();
        }
      },
    );
  }
});
