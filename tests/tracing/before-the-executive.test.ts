/** Traces that begin before the Executive: batches of the loader, which runs on Node, and beats of the heartbeat. */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { unwrap } from "../../client/index.ts";
import { formatTraceparent, parseTraceparent } from "../../core/process/tracing/traceparent.ts";
import { changeRecord } from "../support/debezium.ts";
import { hasKafka } from "../support/kafka/cluster.ts";
import { LoaderWorld } from "../support/loader/loader-world.ts";
import { testSecret } from "../support/secrets.ts";
import { SERVICE_ADMIN_TOKEN, startCtlstore, startExecutiveService } from "../support/services.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { type Collector, type SeenSpan, startCollector } from "./collector.ts";

const TOPIC = "shop.store.item";
const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const HURRY = { OTEL_BSP_SCHEDULE_DELAY: "20" };

/** Every trace in the ledger, once. */
function tracesIn(ctldbPath: string): string[] {
  using database = new Database(ctldbPath, { readonly: true });
  const sql = "SELECT DISTINCT trace FROM ctlstore_dml_ledger WHERE trace IS NOT NULL ORDER BY seq";
  return database
    .query<{ trace: string }, []>(sql)
    .all()
    .map(({ trace }) => trace);
}

/** The Executive's request and its ledger transaction, below a span of a client. */
async function below(collector: Collector, { traceId, spanId }: SeenSpan): Promise<SeenSpan> {
  const ofTrace = (spans: readonly SeenSpan[]) => spans.filter((span) => span.traceId === traceId);
  const [request] = ofTrace(await collector.sees("POST /families/:family/mutations"));
  expect(request?.parent).toBe(spanId);
  const [transaction] = ofTrace(await collector.sees("ledger.transaction"));
  if (transaction === undefined) throw new Error("there is no ledger transaction in the trace");
  expect(transaction.parent).toBe(request?.spanId ?? "");
  return transaction;
}

const stored = ({ traceId, spanId }: SeenSpan): string =>
  formatTraceparent({ traceId, spanId, isSampled: true });

describe.skipIf(!hasKafka)("a batch of the loader", () => {
  test("goes on with the trace of its first record, down to the ledger; each batch has a trace of its own", async () => {
    await using collector = startCollector();
    await using world = await LoaderWorld.start();
    const endpoint = ["--otlp-endpoint", collector.url];
    await using executive = await startExecutiveService(world.ctldbUrl, endpoint, 0, HURRY);
    unwrap(await world.client.families({ family: "shop" }).post());
    const fields: [string, string][] = [
      ["id", "integer"],
      ["name", "text"],
    ];
    const table = world.client.families({ family: "shop" }).tables({ table: "item" });
    unwrap(await table.post({ fields, keyFields: ["id"] }));
    await world.kafka.createTopic(TOPIC, 1);
    const named = { id: "id", name: "name" };
    const tables = [{ topic: TOPIC, source: "store.item", family: "shop", table: "item", fields: named }];
    const mapping = world.mapping({ version: 1, tables });
    const flags = ["--executive", executive.url, "--batch-rows", "1", ...endpoint];
    const records = [1, 2].map((id) =>
      changeRecord({ op: "c", topic: TOPIC, database: "store", table: "item", after: { id, name: "a" } }),
    );
    const headers = new Map([["traceparent", Buffer.from(TRACEPARENT)]]);
    await world.produce(records.map((record, i) => (i === 0 ? { ...record, headers } : record)));
    const loaded = await world.loadOnce(mapping, flags);
    expect(loaded.stderr).toContain("traces are sent");
    expect(loaded.code).toBe(0);
    const batches = (await collector.sees("loader.batch", 2)).filter(
      ({ attributes }) => attributes["ctlstore.mutations"] === 1,
    );
    const [first, second] = batches;
    if (first === undefined || second === undefined) throw new Error("there are no two batches");
    const context = parseTraceparent(TRACEPARENT);
    expect(first).toMatchObject({
      service: "ctlstore-loader",
      traceId: context?.traceId,
      parent: context?.spanId,
      failed: false,
      attributes: {
        "ctlstore.family": "shop",
        "messaging.system": "kafka",
        "messaging.destination.name": TOPIC,
        "messaging.destination.partition.id": "0",
        "messaging.kafka.offset": 0,
      },
    });
    expect(second.parent).toBeNull();
    expect(second.traceId).not.toBe(first.traceId);
    expect(tracesIn(world.ctldbPath)).toEqual([
      stored(await below(collector, first)),
      stored(await below(collector, second)),
    ]);
  });
});

test("a beat of the heartbeat begins a trace that goes down to the ledger", async () => {
  await using collector = startCollector();
  using folder = tempFolder("tracing-heartbeat");
  const endpoint = ["--otlp-endpoint", collector.url];
  const path = folder.file("ctldb.db");
  await using executive = await startExecutiveService(`sqlite:${path}`, endpoint, 0, HURRY);
  const env = {
    ...HURRY,
    CTLSTORE_SECRET: testSecret("heartbeat"),
    CTLSTORE_ADMIN_TOKEN: SERVICE_ADMIN_TOKEN,
  };
  await using heartbeat = startCtlstore(
    ["heartbeat", "--executive", executive.url, "--interval-ms", "3600000", ...endpoint],
    { env },
  );
  const [beat] = await collector.sees("heartbeat.beat");
  if (beat === undefined) throw new Error("there is no beat");
  expect(beat).toMatchObject({ service: "ctlstore-heartbeat", parent: null, failed: false });
  expect(tracesIn(path)).toEqual([stored(await below(collector, beat))]);
  heartbeat.signal("SIGTERM");
  expect(await heartbeat.exited).toEqual({ code: 0, signal: null });
});
