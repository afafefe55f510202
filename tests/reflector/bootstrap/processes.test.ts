/** `ctlstore reflector --bootstrap`, with its child processes, on stores of both kinds and on a store that is silent. */
import { describe, expect, test } from "bun:test";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { parseFamilyName, parseTableName, parseWriterName } from "../../../core/names.ts";
import { systemClock } from "../../../core/process/clock.ts";
import { silentLogger } from "../../../core/process/logger.ts";
import { parseTableSchema } from "../../../core/schema.ts";
import type { CtlDb } from "../../../ctldb/contract.ts";
import { openCtlDb, openLedgerSource } from "../../../ctldb/open.ts";
import { INDEX_KEY } from "../../../snapshot/layout.ts";
import { openSnapshotStore } from "../../../snapshot/stores/open.ts";
import { dumpCtlDb, dumpSqliteFile } from "../../support/dump-rows.ts";
import { makeSnapshot, storeSnapshots } from "../../support/make-snapshot.ts";
import { hasS3Server, sharedS3Server } from "../../support/s3-server.ts";
import { startCtlstore } from "../../support/services.ts";
import { type TempFolder, tempFolder } from "../../support/temp-folder.ts";
import { until } from "../../support/until.ts";
import { reflect } from "../harness.ts";

const deps = { logger: silentLogger, clock: systemClock };
const family = parseFamilyName("fam");
const table = parseTableName("tbl");
const writer = parseWriterName("writer");
const secret = "s3cr3t-bootstrap";

async function writeRows(ctldb: CtlDb, from: number, count: number): Promise<bigint> {
  let last = 0n;
  for (let key = from; key < from + count; key += 10) {
    const mutations = Array.from({ length: 10 }, (_, i) => {
      return { table, kind: "upsert" as const, values: { k: key + i, v: `v${key + i}` } };
    });
    last = (await ctldb.write({ writer, secret, family, mutations })).sequence;
  }
  return last;
}

interface World {
  readonly ctldbUrl: string;
  /** A store in a folder with a snapshot of half of the ledger. */
  readonly storeFolder: string;
  readonly storeUrl: string;
  readonly head: bigint;
}

async function worldOf(folder: TempFolder): Promise<World> {
  const ctldbUrl = `sqlite:${folder.file("ctldb.db")}`;
  await using ctldb = await openCtlDb(ctldbUrl, deps);
  await ctldb.createFamily(family);
  const fields = [
    ["k", "integer"],
    ["v", "string"],
  ] as const;
  await ctldb.createTables([parseTableSchema("fam", "tbl", { fields, keyFields: ["k"] })]);
  await ctldb.writers.register(writer, secret);
  const half = await writeRows(ctldb, 0, 100);
  const made = folder.file("made");
  {
    await using reflector = await reflect(openLedgerSource(ctldbUrl, deps), made);
    await reflector.applies(half);
  }
  const storeFolder = folder.file("store");
  const storeUrl = storeSnapshots(storeFolder, [makeSnapshot(made)]);
  const head = await writeRows(ctldb, 100, 100);
  return { ctldbUrl, storeFolder, storeUrl, head };
}

async function bootstrapsFrom(
  folder: TempFolder,
  { ctldbUrl, head }: World,
  { url, env = {} }: { readonly url: string; readonly env?: Readonly<Record<string, string>> },
): Promise<void> {
  const ldb = folder.file("ldb");
  const flags = ["--bind", "127.0.0.1:0", "--poll-interval-ms", "20", "--bootstrap-jitter-ms", "0"];
  const args = ["reflector", "--ctldb", ctldbUrl, "--ldb", ldb, "--bootstrap", url, ...flags];
  await using reflector = startCtlstore(args, { env: { ...env, CTLSTORE_LOG_LEVEL: "info" } });
  const [address] = await reflector.waitForOutput(/http:\/\/127\.0\.0\.1:\d+/);
  await until(async () => (await statusOf(address)).sequence === Number(head), {
    what: "the head of the ledger",
  }).catch((error) => {
    throw new Error(`${error.message}; the Reflector wrote:\n${reflector.stderr}`);
  });
  expect(await statusOf(address)).toMatchObject({ bootstrap: null });
  const metrics = await (await fetch(`${address}/metrics`)).text();
  expect(metrics).toContain("ctlstore_reflector_bootstraps_total 1");
  expect(reflector.stderr).toMatch(/"percent":\d+,"msg":"bootstrapping"/);
  reflector.signal("SIGTERM");
  expect(await reflector.exited).toMatchObject({ code: 0 });
  expect(dumpSqliteFile(join(ldb, "ldb.db"))).toEqual(await dumpCtlDb(ctldbUrl));
}

async function statusOf(address: string): Promise<Record<string, unknown>> {
  return (await (await fetch(`${address}/status`)).json()) as Record<string, unknown>;
}

describe("ctlstore reflector --bootstrap", () => {
  test("I9 ends with the rows of the ctldb when the snapshot comes from a folder", async () => {
    using folder = tempFolder();
    const world = await worldOf(folder);
    await bootstrapsFrom(folder, world, { url: world.storeUrl });
  });

  test.skipIf(!hasS3Server)(
    "I9 ends with the rows of the ctldb when the snapshot comes from S3",
    async () => {
      using folder = tempFolder();
      const world = await worldOf(folder);
      const server = await sharedS3Server();
      const url = await server.bucketUrl();
      await copyStore(world, url, server);
      await bootstrapsFrom(folder, world, { url, env: server.env });
    },
    120_000,
  );

  test("D20 ends quickly and with 0 on SIGTERM while its store does not answer", async () => {
    using folder = tempFolder();
    const { ctldbUrl } = await worldOf(folder);
    let connections = 0;
    const silent = createServer(() => {
      connections += 1;
    }).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as { port: number };
    const url = `s3://bucket/prefix?endpoint=http://127.0.0.1:${port}&path-style=true`;
    const flags = ["--bootstrap", url, "--bootstrap-jitter-ms", "0", "--ldb", folder.file("ldb")];
    await using reflector = startCtlstore(["reflector", "--ctldb", ctldbUrl, ...flags], {
      env: { AWS_ACCESS_KEY_ID: "key", AWS_SECRET_ACCESS_KEY: "s3cr3t-aws" },
    });
    await until(() => connections > 0, { what: "a question to the store" });
    const askedMs = performance.now();
    reflector.signal("SIGTERM");
    expect(await reflector.exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - askedMs).toBeLessThan(4_000);
    silent.close();
  });
});

async function copyStore(
  { storeFolder, storeUrl }: World,
  url: string,
  credentials: Awaited<ReturnType<typeof sharedS3Server>>,
): Promise<void> {
  const signal = new AbortController().signal;
  await using source = await openSnapshotStore(storeUrl);
  await using target = await openSnapshotStore(url, { credentials });
  for await (const { key } of source.list("", signal)) {
    const path = join(storeFolder, key);
    if (key === INDEX_KEY) continue;
    await target.uploadFile(key, path, { contentType: "application/octet-stream", signal });
  }
  const index = await source.readDocument(INDEX_KEY, signal);
  const condition = { kind: "absent" } as const;
  const options = { condition, contentType: "application/json", signal };
  await target.writeDocument(INDEX_KEY, index?.bytes ?? new Uint8Array(), options);
}
