/** What is counted on MySQL when the network fails: rows that stand in the ledger, each once. */
import { describe, expect, test } from "bun:test";
import type { CtlDb } from "../../../ctldb/contract.ts";
import type { OpenCtlDbOptions } from "../../../ctldb/open.ts";
import { type FaultProxy, startFaultProxy } from "../../support/fault-proxy.ts";
import { sharedMariadb } from "../../support/mariadb.ts";
import { until } from "../../support/until.ts";
import { bytes, count, failureOf, openFilled, request, SECRET, WRITER } from "../fixture.ts";
import { mysqlQuery } from "../mysql-target.ts";
import { countedRows, ledgerRows, windowWith } from "./windows.ts";

interface Behind extends AsyncDisposable {
  readonly direct: string;
  readonly proxy: FaultProxy;
  readonly ctldb: CtlDb;
}

/** A ctldb with ten rows a minute for each writer, reached through a proxy that fails on demand. */
async function behindProxy(timeouts: OpenCtlDbOptions["timeouts"] = {}): Promise<Behind> {
  const server = await sharedMariadb();
  const direct = await server.createDatabase();
  const proxy = await startFaultProxy(server);
  const through = new URL(direct);
  through.port = String(proxy.port);
  const ctldb = await openFilled(through.href, {
    defaults: { writer: { rows: 10n, bytes: null } },
    timeouts,
  });
  return {
    direct,
    proxy,
    ctldb,
    async [Symbol.asyncDispose]() {
      proxy.set({});
      await ctldb[Symbol.asyncDispose]();
      await proxy.close();
    },
  };
}

function rows(n: number, name = "n") {
  return request(Array.from({ length: n }, (_, i) => count(`${name}${i}`, i)));
}

describe("rows counted on MySQL", () => {
  test("D11 count once when the reply to their COMMIT is lost", async () => {
    await using behind = await behindProxy();
    const { ctldb, proxy, direct } = behind;
    await windowWith(8);
    await ctldb.write(rows(1));
    for (let i = 0; i < 3; i++) {
      proxy.set({ dropReplyOf: /COMMIT/ });
      await Promise.all([ctldb.write(rows(2)), ctldb.write(rows(1))]);
    }
    expect(await countedRows(direct)).toEqual({ [WRITER]: 10, "*": 10 });
    expect((await failureOf(ctldb.write(rows(1)))).code).toBe("rate_limited");
    expect(await ledgerRows(direct)).toEqual({ [WRITER]: 10 });
  });

  test("D11 do not count when their connection breaks before COMMIT, nor for those who were refused beside them", async () => {
    await using behind = await behindProxy();
    const { ctldb, proxy, direct } = behind;
    await windowWith(8);
    await ctldb.write(rows(1));
    proxy.set({ resetAfter: { direction: "up", bytes: 600 } });
    const { connections } = proxy;
    // The second would have been one too many after the first, which never happened.
    const ends = Promise.all([
      failureOf(ctldb.write(rows(6, "x".repeat(100)))),
      failureOf(ctldb.write(rows(4))),
    ]);
    await until(() => proxy.connections > connections, { what: "the question what became of it" });
    proxy.set({});
    expect((await ends).map(({ code }) => code)).toEqual(["ctldb_unavailable", "ctldb_unavailable"]);
    await ctldb.write(rows(9));
    expect(await countedRows(direct)).toEqual({ [WRITER]: 10, "*": 10 });
    expect(await ledgerRows(direct)).toEqual({ [WRITER]: 10 });
  });

  test("D11 count once when nobody could be told what became of their COMMIT", async () => {
    await using behind = await behindProxy({ resolveCommitMs: 800 });
    const { ctldb, proxy, direct } = behind;
    await windowWith(8);
    await ctldb.write(rows(1));
    proxy.set({ holdReplyOf: /COMMIT/ });
    const lost = request(rows(9).mutations, { checkCookie: bytes(""), cookie: bytes("dark") });
    const writing = failureOf(ctldb.write(lost));
    const committed = async () =>
      (await mysqlQuery(direct, "SELECT 1 FROM mutators WHERE cookie = 'dark'")).length > 0;
    await until(committed, { what: "the commit on the server" });
    proxy.set({ refuse: true });
    proxy.resetAll();
    expect((await writing).code).toBe("commit_outcome_unknown");
    proxy.set({});
    const cookie = () => ctldb.readCookie(WRITER, SECRET);
    expect(await until(cookie, { what: "the ctldb to be back" })).toEqual(bytes("dark"));
    // What a writer does who was not told: it sends the batch again, which costs nothing.
    expect((await failureOf(ctldb.write(lost))).code).toBe("cookie_conflict");
    expect(await countedRows(direct)).toEqual({ [WRITER]: 10, "*": 10 });
  });
});
