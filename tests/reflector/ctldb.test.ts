/** The Reflector on real ctldbs: embedded, and MariaDB behind a network that fails. */
import { describe, expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { parseFamilyName, parseTableName, parseWriterName } from "../../core/names.ts";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { parseTableSchema } from "../../core/schema.ts";
import type { CtlDb } from "../../ctldb/contract.ts";
import { openCtlDb, openLedgerSource } from "../../ctldb/open.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { reflect, rowsOf } from "./harness.ts";

const DEPS = { logger: silentLogger, clock: systemClock };
const FAMILY = parseFamilyName("fam");
const TABLE = parseTableName("tbl");
const WRITER = parseWriterName("writer");

async function prepare(ctldb: CtlDb): Promise<void> {
  await ctldb.createFamily(FAMILY);
  await ctldb.createTables([
    parseTableSchema("fam", "tbl", {
      fields: [
        ["k", "integer"],
        ["v", "string"],
      ],
      keyFields: ["k"],
    }),
  ]);
  await ctldb.writers.register(WRITER, "s3cr3t-host");
}

async function write(ctldb: CtlDb, ...rows: ReadonlyArray<readonly [number, string]>): Promise<bigint> {
  const mutations = rows.map(([k, v]) => ({ table: TABLE, kind: "upsert" as const, values: { k, v } }));
  return (await ctldb.write({ writer: WRITER, secret: "s3cr3t-host", family: FAMILY, mutations })).sequence;
}

describe("the Reflector on an embedded ctldb", () => {
  test("applies what was written, and R4 refuses that ctldb when it was restored from a backup", async () => {
    using folder = tempFolder();
    const path = folder.file("ctldb.db");
    const backup = folder.file("backup.db");
    {
      await using ctldb = await openCtlDb(`sqlite:${path}`, DEPS);
      await prepare(ctldb);
      await write(ctldb, [1, "a"], [2, "b"]);
    }
    copyFileSync(path, backup);
    {
      await using ctldb = await openCtlDb(`sqlite:${path}`, DEPS);
      const head = await write(ctldb, [3, "c"]);
      await using reflector = await reflect(openLedgerSource(`sqlite:${path}`, DEPS), folder.file("ldb"));
      await reflector.applies(head);
      expect(rowsOf(folder.file("ldb"))).toEqual(["1=a", "2=b", "3=c"]);
    }
    await using restored = await openCtlDb(`sqlite:${backup}`, DEPS);
    const source = openLedgerSource(`sqlite:${backup}`, DEPS);
    await using reflector = await reflect(source, folder.file("ldb"));
    await reflector.reaches("stuck", "ledger_behind");
    await write(restored, [3, "another history"]);
    await write(restored, [4, "another history"]);
    await reflector.reaches("diverged", "ledger_hash_mismatch");
    expect(rowsOf(folder.file("ldb"))).toEqual(["1=a", "2=b", "3=c"]);
  });

  test("R5 refuses another embedded ctldb", async () => {
    using folder = tempFolder();
    for (const name of ["one", "two"]) {
      await using ctldb = await openCtlDb(`sqlite:${folder.file(name)}`, DEPS);
      await prepare(ctldb);
      const head = await write(ctldb, [1, name]);
      const source = openLedgerSource(`sqlite:${folder.file(name)}`, DEPS);
      await using reflector = await reflect(source, folder.file("ldb"));
      if (name === "one") await reflector.applies(head);
      else await reflector.reaches("diverged", "ledger_epoch_mismatch");
    }
    expect(rowsOf(folder.file("ldb"))).toEqual(["1=one"]);
  });

  test("D20 starts before the ctldb was ever made, and follows it once it is", async () => {
    using folder = tempFolder();
    const url = `sqlite:${folder.file("later.db")}`;
    await using reflector = await reflect(openLedgerSource(url, DEPS), folder.file("ldb"));
    await reflector.reaches("stuck", "ctldb_unavailable");
    await using ctldb = await openCtlDb(url, DEPS);
    await prepare(ctldb);
    await reflector.applies(await write(ctldb, [1, "a"]));
  });
});

describe("the Reflector on MariaDB", () => {
  test("R20 notices a half-open connection, shows stuck, and goes on when the network is back", async () => {
    using folder = tempFolder();
    const server = await sharedMariadb();
    const direct = await server.createDatabase();
    await using ctldb = await openCtlDb(direct, DEPS);
    await prepare(ctldb);
    await using proxy = await startFaultProxy(server);
    const url = new URL(direct);
    url.port = String(proxy.port);
    await using reflector = await reflect(openLedgerSource(url.href, DEPS), folder.path, {
      pollTimeoutMs: 600,
      pollStuckMs: 100,
    });
    await reflector.applies(await write(ctldb, [1, "a"], [2, "b"]));
    proxy.set({ blackHole: true });
    await reflector.reaches("stuck", "ctldb_unavailable");
    const head = await write(ctldb, [3, "c"]);
    expect(rowsOf(folder.path)).toEqual(["1=a", "2=b"]);
    proxy.set({});
    proxy.resetAll();
    await reflector.applies(head);
    await reflector.reaches("current");
    expect(rowsOf(folder.path)).toEqual(["1=a", "2=b", "3=c"]);
  });
});
