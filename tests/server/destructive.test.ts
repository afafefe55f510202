/** What destroys data: only where the Executive was started for it, only for an admin, and never without a trace. */
import { describe, expect, test } from "bun:test";
import { type Answer, openTestApp, type TestApp } from "./test-app.ts";

const ROUTES = [
  "/families/shop/tables/counter",
  "/clear-rows/families/shop",
  "/clear-rows/families/shop/tables/counter",
] as const;

async function fill(app: TestApp): Promise<void> {
  const answer = await app.mutate({
    mutations: [
      { table: "counter", values: { id: 1 } },
      { table: "counter", values: { id: 2 } },
      { table: "item", values: { name: "a" } },
    ],
  });
  expect(answer.status).toBe(200);
}

const drop = (app: TestApp, path: string, headers?: Record<string, string>): Promise<Answer> =>
  app.call({ method: "DELETE", path, ...(headers === undefined ? {} : { headers }) });

async function tokenOf(app: TestApp, name: string, role: string): Promise<Record<string, string>> {
  const body = JSON.stringify({ role });
  const made = await app.call({ method: "POST", path: `/operators/${name}`, body });
  return { authorization: `Bearer ${(made.json as { token: string }).token}` };
}

const trail = (app: TestApp) =>
  app.rows(
    "SELECT actor, action, target, seq FROM ctlstore_audit WHERE action IN ('table.drop', 'rows.clear') ORDER BY id",
  );

describe("a destructive change", () => {
  test("is 403 before anything else where it is switched off, whatever is asked for", async () => {
    await using app = await openTestApp();
    await fill(app);
    const before = await app.headSequence();
    for (const path of [
      ...ROUTES,
      "/families/nothere/tables/counter",
      "/families/1bad/tables/%00",
      "/clear-rows/families/nothere",
      "/clear-rows/families/no__pe/tables/x",
    ]) {
      const answer = await drop(app, path);
      expect([path, answer.status, answer.code]).toEqual([path, 403, "not_granted"]);
      expect((await drop(app, path, {})).status).toBe(401);
    }
    expect(await app.headSequence()).toBe(before);
    expect(app.rows("SELECT COUNT(*) AS n FROM shop___counter")).toEqual([{ n: 2n }]);
    expect(trail(app)).toEqual([]);
  });

  test("D22 is 403 for every role but admin, also where it is switched on", async () => {
    await using app = await openTestApp({ destructiveSchemaChanges: true });
    await fill(app);
    const before = await app.headSequence();
    for (const role of ["read", "loader", "schema"]) {
      const headers = await tokenOf(app, `some-${role}`, role);
      for (const path of ROUTES) {
        const answer = await drop(app, path, headers);
        expect([role, path, answer.status, answer.code]).toEqual([role, path, 403, "not_granted"]);
      }
    }
    expect(await app.headSequence()).toBe(before);
    expect(trail(app)).toEqual([]);
  });

  test("of an admin is made, says how much it was, and stands in the audit trail under its name", async () => {
    await using app = await openTestApp({ destructiveSchemaChanges: true });
    const headers = await tokenOf(app, "alice", "admin");
    await fill(app);
    const one = await drop(app, "/clear-rows/families/SHOP/tables/Counter", headers);
    expect(one.json).toEqual({ sequence: Number(await app.headSequence()), tables: 1 });
    expect(app.rows("SELECT COUNT(*) AS n FROM shop___counter")).toEqual([{ n: 0n }]);
    expect(app.rows("SELECT COUNT(*) AS n FROM shop___item")).toEqual([{ n: 1n }]);
    const both = await drop(app, "/clear-rows/families/shop", headers);
    expect(both.json).toEqual({ sequence: Number(await app.headSequence()), tables: 2 });
    expect(app.rows("SELECT COUNT(*) AS n FROM shop___item")).toEqual([{ n: 0n }]);
    const dropped = await drop(app, "/families/shop/tables/counter", headers);
    const sequences = [one, both, dropped].map(({ json }) => BigInt((json as { sequence: number }).sequence));
    expect(trail(app)).toEqual([
      { actor: "alice", action: "rows.clear", target: "shop/counter", seq: sequences[0] },
      { actor: "alice", action: "rows.clear", target: "shop", seq: sequences[1] },
      { actor: "alice", action: "table.drop", target: "shop/counter", seq: sequences[2] },
    ]);
    expect((await drop(app, "/families/shop/tables/counter", headers)).code).toBe("unknown_table");
  });

  test("of all rows of a family is one ledger transaction, and of an empty family none", async () => {
    await using app = await openTestApp({ destructiveSchemaChanges: true });
    await fill(app);
    const before = await app.headSequence();
    await drop(app, "/clear-rows/families/shop");
    expect(app.rows(`SELECT statement FROM ctlstore_dml_ledger WHERE seq > ${before} ORDER BY seq`)).toEqual([
      { statement: "--- BEGIN" },
      { statement: "DELETE FROM shop___counter" },
      { statement: "DELETE FROM shop___item" },
      { statement: "--- COMMIT" },
    ]);
    await app.call({ method: "POST", path: "/families/empty" });
    const head = Number(await app.headSequence());
    expect((await drop(app, "/clear-rows/families/empty")).json).toEqual({ sequence: head, tables: 0 });
  });
});
