/** The tests' own tools: a tool that lies makes every test that stands on it worthless. */
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { startFaultProxy } from "./fault-proxy.ts";
import { sharedMariadb, startMariadb } from "./mariadb.ts";
import type { MysqlServer } from "./mysql-server.ts";
import { hasMysql9, startMysql9 } from "./mysql9.ts";
import { startProcess } from "./process.ts";
import { isDeep, seededRandom } from "./suite.ts";
import { tempFolder } from "./temp-folder.ts";

async function keepsRowsOverKill(start: () => Promise<MysqlServer>): Promise<void> {
  await using server = await start();
  const url = await server.createDatabase();
  const first = await createConnection(url);
  first.on("error", () => {});
  await first.query("CREATE TABLE t (a INT PRIMARY KEY)");
  await first.query("INSERT INTO t VALUES (1)");
  await server.kill();
  await server.restart();
  const second = await createConnection(url);
  const [rows] = await second.query<RowDataPacket[]>("SELECT a FROM t");
  expect(rows.map((row) => row["a"])).toEqual([1]);
  await second.end();
}

describe("a private database server", () => {
  test("keeps committed rows when MariaDB is killed and started again", () =>
    keepsRowsOverKill(startMariadb));

  test.if(isDeep && hasMysql9)(
    "keeps committed rows when MySQL 9.7 is killed and started again",
    () => keepsRowsOverKill(startMysql9),
    60_000,
  );
});

describe("the fault proxy", () => {
  test("lets a COMMIT take effect and loses its reply when told to", async () => {
    const server = await sharedMariadb();
    const url = new URL(await server.createDatabase());
    await using proxy = await startFaultProxy(server);
    url.port = String(proxy.port);
    const client = await createConnection(url.href);
    client.on("error", () => {});
    await client.query("CREATE TABLE t (a INT PRIMARY KEY)");
    await client.query("START TRANSACTION");
    await client.query("INSERT INTO t VALUES (1)");
    proxy.set({ dropReplyOf: /COMMIT/ });
    await expect(client.query("COMMIT")).rejects.toThrow();
    const second = await createConnection(url.href);
    const [rows] = await second.query<RowDataPacket[]>("SELECT a FROM t");
    expect(rows).toHaveLength(1);
    await second.end();
  });

  test("refuses, and works again, when the fault is set and lifted", async () => {
    const server = await sharedMariadb();
    const url = new URL(await server.createDatabase());
    await using proxy = await startFaultProxy(server);
    url.port = String(proxy.port);
    proxy.set({ refuse: true });
    await expect(createConnection(url.href)).rejects.toThrow();
    proxy.set({});
    const client = await createConnection(url.href);
    await client.query("SELECT 1");
    proxy.set({ resetAfter: { direction: "down", bytes: 1_000 } });
    await expect(client.query("SELECT REPEAT('x', 100000)")).rejects.toThrow();
  });

  test("answers nothing when it is a black hole", async () => {
    const server = await sharedMariadb();
    const url = new URL(await server.createDatabase());
    await using proxy = await startFaultProxy(server);
    proxy.set({ blackHole: true });
    url.port = String(proxy.port);
    url.searchParams.set("connectTimeout", "200");
    await expect(createConnection(url.href)).rejects.toThrow(/ETIMEDOUT/);
  });
});

test("a child process reports its output and its end when it is killed", async () => {
  await using child = startProcess(["bash", "-c", "echo ready; read -r _ < <(:); exec sleep 100"]);
  await child.waitForOutput(/ready/);
  expect(child.running).toBeTrue();
  expect(await child.kill()).toEqual({ code: null, signal: "SIGKILL" });
  await expect(child.waitForOutput(/never/)).rejects.toThrow(/ended/);
});

test("a temporary folder is gone when its block ends", () => {
  let path: string;
  {
    using folder = tempFolder();
    path = folder.path;
    expect(existsSync(path)).toBeTrue();
  }
  expect(existsSync(path)).toBeFalse();
});

test("the seeded generator repeats itself when it gets the same seed", () => {
  const [a, b] = [seededRandom(7), seededRandom(7)];
  expect([a(), a(), a()]).toEqual([b(), b(), b()]);
});
