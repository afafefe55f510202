/** The typed client: every route through a real server, and errors as data or thrown. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createClient, unwrap, Writer } from "../../client/index.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import { type RunningExecutive, startExecutive } from "../../server/executive.ts";
import { ADMIN_TOKEN, openTestApp, type TestApp } from "../server/test-app.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { until } from "../support/until.ts";

let app: TestApp;
let executive: RunningExecutive;
beforeAll(async () => {
  app = await openTestApp();
  const deps = { ...app.deps, metrics: createMetrics() };
  executive = await startExecutive(deps, {
    bind: "127.0.0.1:0",
    adminToken: ADMIN_TOKEN,
    destructiveSchemaChanges: true,
  });
});
afterAll(async () => {
  await executive.stop();
  await app[Symbol.asyncDispose]();
});

describe("createClient", () => {
  test("reaches every route", async () => {
    const client = createClient(`${executive.url}/`, { adminToken: ADMIN_TOKEN });
    const bank = client.families({ family: "bank" });
    expect(unwrap(await bank.post())).toEqual({ family: "bank" });
    expect(unwrap(await client.families.get())).toEqual({ families: ["bank", "shop"] });
    const fields: [string, string][] = [["id", "integer"]];
    unwrap(await bank.tables({ table: "account" }).post({ fields, keyFields: ["id"] }));
    unwrap(await client.tables.post([{ family: "bank", name: "branch", fields, keyFields: ["id"] }]));
    unwrap(await bank.tables({ table: "branch" }).put({ fields: [["city", "string"]] }));
    expect(unwrap(await bank.tables.get())).toEqual({ family: "bank", tables: ["account", "branch"] });
    const branch = unwrap(await client.schema.table({ family: "bank" })({ table: "branch" }).get());
    expect(branch.fields).toEqual([
      ["id", "integer"],
      ["city", "string"],
    ]);
    expect(unwrap(await client.schema.family({ family: "bank" }).get())).toHaveLength(2);
    expect(unwrap(await client.writers({ writer: "teller" }).post("s3cr3t-long"))).toEqual({
      writer: "teller",
    });
    const headers = { "ctlstore-writer": "teller", "ctlstore-secret": "s3cr3t-long" };
    const mutations = [{ table: "branch", values: { id: "9007199254740993", city: "Köln" } }];
    const { sequence } = unwrap(await bank.mutations.post({ cookie: "YQ==", mutations }, { headers }));
    expect(sequence).toBeNumber();
    expect(new Uint8Array(unwrap(await client.cookie.get({ headers })))).toEqual(Uint8Array.of(97));
    unwrap(await client.cookie.post(undefined, { headers, fetch: { body: Uint8Array.of(0, 255) } }));
    expect(new Uint8Array(unwrap(await client.cookie.get({ headers })))).toEqual(Uint8Array.of(0, 255));
    unwrap(await client["clear-rows"].families({ family: "bank" }).tables({ table: "branch" }).delete());
    unwrap(await client["clear-rows"].families({ family: "bank" }).delete());
    unwrap(await bank.tables({ table: "branch" }).delete());
    expect(unwrap(await client.status.get()).ctldb.kind).toBe("sqlite");
    expect(unwrap(await client.healthz.get())).toBe("ok\n");
  });

  test("gives errors as data, and unwrap throws them with their code, field and hint", async () => {
    const client = createClient(executive.url, { adminToken: ADMIN_TOKEN });
    const result = await client.families({ family: "shop" }).post();
    expect(result.data).toBeNull();
    expect(result.error?.value.error.code).toBe("family_exists");
    expect(() => unwrap(result)).toThrow(
      expect.objectContaining({ name: "CtlstoreError", code: "family_exists" }),
    );
    const anonymous = await createClient(executive.url).families.get();
    expect(() => unwrap(anonymous)).toThrow(
      expect.objectContaining({
        code: "bad_credentials",
        details: { hint: expect.stringContaining("send Authorization: Bearer TOKEN") },
      }),
    );
  });

  test("says ctldb_unavailable when nobody listens, and internal when the answer is not ours", async () => {
    const server = Bun.serve({ port: 0, fetch: () => new Response("<h1>hello</h1>", { status: 404 }) });
    const url = `http://127.0.0.1:${server.port}`;
    const stranger = await createClient(url).families.get();
    expect(() => unwrap(stranger)).toThrow(expect.objectContaining({ code: "internal" }));
    await server.stop(true);
    const nobody = await createClient(url).families.get();
    expect(() => unwrap(nobody)).toThrow(expect.objectContaining({ code: "ctldb_unavailable" }));
  });
});

describe("the answer of a proxy", () => {
  test.each([
    [502, "ctldb_unavailable"],
    [503, "ctldb_unavailable"],
    [504, "ctldb_unavailable"],
    [413, "request_too_large"],
    [429, "rate_limited"],
    [403, "internal"],
  ])("of status %d says %s: some pass, and one is about the size", async (status, code) => {
    const fetch = async () => new Response("<h1>from a proxy</h1>", { status });
    const answer = await createClient("http://executive", { fetch }).families.get();
    expect(() => unwrap(answer)).toThrow(expect.objectContaining({ code }));
  });
});

describe("Writer over the network", () => {
  test("writes with a name and a secret beyond ASCII", async () => {
    const client = createClient(executive.url, { adminToken: ADMIN_TOKEN });
    const [writer, secret] = ["größe ☃", "gehéim 😀"];
    unwrap(await client.writers({ writer: encodeURIComponent(writer) }).post(secret));
    const { sequence } = await new Writer({ url: executive.url, writer, secret, family: "shop" }).write([
      { table: "counter", values: { id: 1 } },
    ]);
    expect(sequence).toBe(await app.headSequence());
  });

  test("D11 thirty-two Writers at once lose, double and refuse nothing", async () => {
    const client = createClient(executive.url, { adminToken: ADMIN_TOKEN });
    const before = await app.headSequence();
    const writers = await Promise.all(
      Array.from({ length: 32 }, async (_, n) => {
        unwrap(await client.writers({ writer: `writer-${n}` }).post("s3cr3t-writer"));
        return new Writer({
          url: executive.url,
          writer: `writer-${n}`,
          secret: "s3cr3t-writer",
          family: "shop",
        });
      }),
    );
    const rounds = Array.from({ length: 5 }, (_, round) => round);
    const outcomes = await Promise.all(
      writers.flatMap((writer, n) =>
        rounds.map((round) => writer.write([{ table: "counter", values: { id: 1000 * n + round } }])),
      ),
    );
    expect(new Set(outcomes.map(({ sequence }) => sequence)).size).toBe(160);
    expect(await app.headSequence()).toBe(before + 160n);
    expect(outcomes.every(({ repeated }) => !repeated)).toBe(true);
  });

  test("R30 an answer lost on the wire is recognised, not repeated", async () => {
    await using proxy = await startFaultProxy({ port: Number(new URL(executive.url).port) });
    const url = `http://127.0.0.1:${proxy.port}`;
    const writer = new Writer({ url, writer: "importer", secret: "s3cr3t-writer", family: "shop" });
    await writer.readCookie();
    const before = await app.headSequence();
    proxy.set({ dropReplyOf: /mutations/ });
    const outcome = await writer.write([{ table: "counter", values: { id: 77 } }]);
    expect(outcome).toEqual({ sequence: before + 1n, repeated: true });
    expect(await app.headSequence()).toBe(before + 1n);
  });

  test("an Executive that is away for a while is waited for", async () => {
    await using proxy = await startFaultProxy({ port: Number(new URL(executive.url).port) });
    proxy.set({ refuse: true });
    const url = `http://127.0.0.1:${proxy.port}`;
    const writer = new Writer({ url, writer: "importer", secret: "s3cr3t-writer", family: "shop" });
    const before = await app.headSequence();
    const writing = writer.write([{ table: "counter", values: { id: 78 } }]);
    await until(() => proxy.connections >= 2, { what: "two attempts" });
    proxy.set({});
    expect(await writing).toEqual({ sequence: before + 1n, repeated: false });
  });
});
