/** A host on which everything is broken at once: it says so, wherever it is asked, and gives no wrong answer. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { realpathSync, rmSync, writeFileSync } from "node:fs";
import { isCtlstoreError } from "../../../core/errors.ts";
import { openReader } from "../../../reader/index.ts";
import { freePort } from "../../support/free-port.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { until } from "../../support/until.ts";
import { reflect } from "../harness.ts";
import { CREATE_T, ctldbAway, MemoryLedger, put } from "../memory-ledger.ts";

/** Nobody listens there. */
async function bucketAway(): Promise<string> {
  return `s3://bucket/prefix?endpoint=http://127.0.0.1:${await freePort()}&region=us-east-1&path-style=true`;
}

async function filledLedger(ldbFolder: string): Promise<MemoryLedger> {
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T, put(1, "a"));
  await using reflector = await reflect(ledger, ldbFolder);
  await reflector.reaches("current");
  return ledger;
}

/** Turns the LDB's pages into noise; its log, which would cover them, goes too. */
function destroyLdb(ldbFolder: string): void {
  const path = realpathSync(`${ldbFolder}/ldb.db`);
  rmSync(`${path}-wal`, { force: true });
  rmSync(`${path}-shm`, { force: true });
  writeFileSync(path, new Uint8Array(16_384).fill(0xa5));
}

/** The code with which a read fails; null when it gives an answer, be that "not found". */
function readFailure(ldbFolder: string): string | null {
  try {
    using reader = openReader({ path: ldbFolder });
    reader.getRowByKey("fam", "tbl", 1);
    return null;
  } catch (error) {
    return isCtlstoreError(error) ? error.code : String(error);
  }
}

describe("a Reflector", () => {
  const kept = { ...process.env };
  beforeEach(() => {
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" });
  });
  afterEach(() => {
    for (const name of Object.keys(process.env)) if (!(name in kept)) delete process.env[name];
    Object.assign(process.env, kept);
  });

  test("R46 R36 answers, unready, when ctldb, bucket and LDB are broken, and reads are errors", async () => {
    using folder = tempFolder();
    const readyFile = folder.file("ready");
    const ldbFolder = folder.file("ldb");
    const ledger = await filledLedger(ldbFolder);
    ledger.failure = ctldbAway();
    destroyLdb(ldbFolder);
    await using reflector = await reflect(ledger, ldbFolder, {
      bind: "127.0.0.1:0",
      bootstrap: { url: await bucketAway(), jitterMs: 0, backoffMs: { base: 50, max: 100 } },
      readiness: { withoutCtldbSeconds: 0, readyFile },
    });
    const get = async (path: string) => {
      const response = await fetch(`${reflector.url}${path}`);
      return { code: response.status, body: await response.text() };
    };
    const told = await until(
      async () => {
        const { body } = await get("/status");
        return body.includes("snapshot_store_unavailable") ? JSON.parse(body) : null;
      },
      { what: "the status to name the bucket", deadlineMs: 40_000 },
    );
    expect(told.bootstrap).toMatchObject({
      cause: "damaged",
      failure: { code: "snapshot_store_unavailable" },
    });
    expect(told.readiness).toMatchObject({ ready: false, healthy: false });
    expect((await get("/healthz")).code).toBe(200);
    expect((await get("/readyz")).code).toBe(503);
    expect((await get("/metrics")).body).toContain("ctlstore_reflector_ready 0");
    expect(await Bun.file(readyFile).exists()).toBeFalse();
    expect(readFailure(ldbFolder)).toBe("ldb_damaged");
  }, 60_000);

  test("I15 becomes ready with what it has when ctldb and bucket are away", async () => {
    using folder = tempFolder();
    const ledger = await filledLedger(folder.path);
    ledger.failure = ctldbAway();
    await using reflector = await reflect(ledger, folder.path, {
      bootstrap: { url: await bucketAway(), jitterMs: 0 },
      readiness: { withoutCtldbSeconds: 0.2 },
    });
    await until(() => reflector.status().readiness.ready, { what: "the host to be ready" });
    expect(readFailure(folder.path)).toBeNull();
  });
});
