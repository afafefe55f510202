/**
 * Clearing rows and previews on MySQL, interrupted by a real SIGKILL or a lost answer (D6, D7): rows, ledger and audit trail
 * have all of it or nothing, and whoever comes next goes on.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createConnection } from "mysql2/promise";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { until } from "../support/until.ts";
import {
  COUNTS,
  count,
  expectConsistent,
  FAMILY,
  open,
  openFilled,
  request,
  statementsAfter,
  table,
} from "./fixture.ts";
import { interruptAt } from "./interrupted.ts";
import { mysqlQuery } from "./mysql-target.ts";

setDefaultTimeout(30_000);

const CLEARED = ["--- BEGIN", "DELETE FROM fam___all_types", "DELETE FROM fam___counts", "--- COMMIT"];

/** Ids of the connections that are clearing the table; this question is none. */
const CLEARING = `SELECT id FROM information_schema.processlist WHERE info LIKE CONCAT('%DELETE FROM ', 'fam___counts%')`;

const clearsInTrail = async (url: string) =>
  (await mysqlQuery(url, "SELECT actor FROM ctlstore_audit WHERE action = 'rows.clear'")).flat();

/** Goes on where the child was, and finds everything in step. */
async function expectGoesOn(url: string, { cleared }: { readonly cleared: boolean }): Promise<void> {
  await using ctldb = await open(url);
  await ctldb.write(request([count("after")]));
  const { rows } = await expectConsistent(url);
  const expected = cleared
    ? ['text "after"|integer 1']
    : ['text "after"|integer 1', 'text "before"|integer 1'];
  expect(rows["fam___counts"]?.rows).toEqual(expected);
  // Two tables and one row came before.
  const statements = await statementsAfter(url, 3n);
  expect(statements.slice(0, -1)).toEqual(cleared ? CLEARED : []);
  expect(await clearsInTrail(url)).toEqual(cleared ? ["child"] : []);
}

describe("clearing rows on MySQL", () => {
  test("D6 D7 leaves no trace when process and connection end while rows are being deleted", async () => {
    // Somebody's lock on a row: the deletion has begun and cannot end.
    const holder = await createConnection({ uri: await (await sharedMariadb()).createDatabase() });
    const lock = async (url: string) => {
      await holder.changeUser({ database: new URL(url).pathname.slice(1) });
      await holder.query("BEGIN");
      await holder.query("SELECT * FROM fam___counts FOR UPDATE");
    };
    await using interrupted = await interruptAt("clear", /DELETE FROM fam___counts/, { before: lock });
    const { url, child, proxy } = interrupted;
    const [[id] = []] = await until(
      async () => {
        const found = await mysqlQuery(url, CLEARING);
        return found.length > 0 ? found : null;
      },
      { what: "the deletion to wait for a lock" },
    );
    await child.kill();
    proxy.resetAll();
    await (await sharedMariadb()).admin(`KILL CONNECTION ${Number(id)}`);
    await until(async () => (await mysqlQuery(url, CLEARING)).length === 0, { what: "its end" });
    holder.destroy();
    await expectGoesOn(url, { cleared: false });
  });

  test("D6 D7 is whole when the process is killed before it gets the answer", async () => {
    await using interrupted = await interruptAt("clear", /DELETE FROM fam___counts/);
    const { url, child, proxy } = interrupted;
    await until(async () => (await clearsInTrail(url)).length > 0, { what: "the commit" });
    await child.kill();
    proxy.resetAll();
    await expectGoesOn(url, { cleared: true });
  });

  test("takes as long as there are rows, which may be longer than what writers wait for", async () => {
    const server = await sharedMariadb();
    const url = await server.createDatabase();
    await (await openFilled(url))[Symbol.asyncDispose]();
    await using proxy = await startFaultProxy(server);
    const through = new URL(url);
    through.port = String(proxy.port);
    await using ctldb = await open(through.href, { timeouts: { queryMs: 2_000 } });
    await ctldb.write(request([count("before")]));
    const holder = await createConnection({ uri: url });
    await holder.query("BEGIN");
    await holder.query("SELECT * FROM fam___counts FOR UPDATE");
    const connections = proxy.connections;
    const clearing = ctldb.clearRows(FAMILY, null, { actor: "child" });
    await until(async () => (await mysqlQuery(url, `${CLEARING} AND time_ms > 2500`)).length > 0, {
      what: "the deletion to last",
    });
    holder.destroy();
    expect(await clearing).toEqual({ sequence: 7n as never, tables: 2 });
    // It was waited for, not given up and looked for on another connection.
    expect(proxy.connections).toBe(connections);
    await expectGoesOn(url, { cleared: true });
  });

  test("D6 is answered, and done once, when the answer to its COMMIT is lost", async () => {
    const server = await sharedMariadb();
    const url = await server.createDatabase();
    {
      await using ctldb = await openFilled(url);
      await ctldb.write(request([count("before")]));
    }
    await using proxy = await startFaultProxy(server);
    const through = new URL(url);
    through.port = String(proxy.port);
    await using ctldb = await open(through.href);
    proxy.set({ dropReplyOf: /DELETE FROM fam___counts/ });
    const cleared = await ctldb.clearRows(FAMILY, null, { actor: "child" });
    expect(cleared).toEqual({ sequence: 7n as never, tables: 2 });
    await expectGoesOn(url, { cleared: true });
  });
});

describe("a preview on MySQL", () => {
  test("leaves nothing behind, and holds up nobody, when its process is killed in the middle", async () => {
    await using interrupted = await interruptAt("preview", /CREATE TEMPORARY TABLE fam___made_a/);
    const { url, child, proxy } = interrupted;
    await proxy.held();
    // While it is under way others write and change tables, this one too.
    await using ctldb = await open(url);
    const made = table("made_a", { fields: [["id", "integer"]], keyFields: ["id"] });
    await ctldb.createTables([made]);
    await ctldb.write(request([count("meanwhile")]));
    await child.kill();
    proxy.resetAll();
    const preview = await ctldb.preview({ kind: "drop", family: FAMILY, table: made.table });
    expect([preview.conflicts, preview.tables[0]?.rows]).toEqual([[], 0n]);
    await ctldb.dropTable(FAMILY, made.table);
    await expectConsistent(url);
    expect((await ctldb.catalog()).tables(FAMILY).map(({ table: name }) => name)).toContain(COUNTS.table);
  });
});
