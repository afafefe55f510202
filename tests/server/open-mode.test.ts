/** An Executive with neither an admin token nor an operator: open to programs of its host, and to no web page. */
import { describe, expect, test } from "bun:test";
import { createMetrics } from "../../core/process/metrics.ts";
import { accessOf } from "../../server/access/route-access.ts";
import { createApp } from "../../server/app.ts";
import { openTestApp, type TestApp, type TestAppOptions, toAnswer } from "./test-app.ts";

const openApp = (options: TestAppOptions = {}): Promise<TestApp> =>
  openTestApp({ adminToken: undefined, destructiveSchemaChanges: true, ...options });

async function createOperator(
  app: TestApp,
  name: string,
  role: string,
  headers: Record<string, string> = {},
) {
  return app.call({ method: "POST", path: `/operators/${name}`, body: JSON.stringify({ role }), headers });
}

function bearerOf(answer: { readonly json: unknown }): Record<string, string> {
  return { authorization: `Bearer ${(answer.json as { token: string }).token}` };
}

describe("an Executive without admin token and operators", () => {
  test("answers everybody as an admin, and the audit trail says anonymous", async () => {
    await using app = await openApp();
    const whoami = await app.call({ method: "GET", path: "/whoami", headers: {} });
    expect(whoami.json).toEqual({ name: "anonymous", role: "admin" });
    expect((await app.call({ method: "POST", path: "/families/free", headers: {} })).status).toBe(200);
    const audit = await app.call({ method: "GET", path: "/audit?limit=1", headers: {} });
    expect(audit.json).toMatchObject({
      entries: [{ actor: "anonymous", action: "family.create", target: "free" }],
    });
  });

  test("D22 refuses whatever a browser sends for a web page, and changes nothing", async () => {
    await using app = await openApp();
    const before = await app.headSequence();
    const closed = app.app.routes.filter(
      ({ method, path }) => !["open", "writer"].includes(accessOf(method, path)),
    );
    for (const { method, path: pattern } of closed) {
      const path = pattern.replaceAll(/:\w+/g, "shop");
      for (const headers of [
        { origin: "https://example.com" },
        { origin: "null" },
        { origin: "http://localhost" },
        { "sec-fetch-site": "cross-site" },
        { "sec-fetch-site": "none" },
        { host: "rebound.example.com:3000" },
        { host: "127.0.0.1.example.com" },
        { host: "localhost.example.com" },
      ]) {
        const answer = await app.call({ method, path, headers, ...(method === "GET" ? {} : { body: "{}" }) });
        expect({ method, path, headers, status: answer.status, code: answer.code }).toEqual({
          method,
          path,
          headers,
          status: 403,
          code: "not_granted",
        });
      }
    }
    expect(await app.headSequence()).toBe(before);
  });

  test("D22 refuses what came through a proxy beside it, which reaches it for other hosts", async () => {
    await using app = await openApp();
    for (const headers of [
      { "x-forwarded-for": "192.0.2.1" },
      { "x-forwarded-for": "127.0.0.1" },
      { forwarded: "for=192.0.2.1" },
      { via: "1.1 proxy" },
      { "x-real-ip": "192.0.2.1", host: "127.0.0.1:3000" },
    ]) {
      const { status, code } = await app.call({ method: "GET", path: "/families", headers });
      expect({ headers, status, code }).toEqual({ headers, status: 403, code: "not_granted" });
    }
    await using everybody = await openApp({ openTo: "everybody" });
    const headers = { "x-forwarded-for": "192.0.2.1" };
    expect((await everybody.call({ method: "GET", path: "/families", headers })).status).toBe(200);
  });

  test("answers a program under every name that a host has for itself", async () => {
    await using app = await openApp();
    for (const host of [
      "localhost",
      "LOCALHOST:3000",
      "127.0.0.1:3000",
      "[::1]:3000",
      "a.localhost:80",
      "10.1.2.3",
    ]) {
      const { status } = await app.call({ method: "GET", path: "/families", headers: { host } });
      expect({ host, status }).toEqual({ host, status: 200 });
    }
  });

  test("open to everybody it answers under any name, and still no web page", async () => {
    await using app = await openApp({ openTo: "everybody" });
    const get = (headers: Record<string, string>) => app.call({ method: "GET", path: "/families", headers });
    expect((await get({ host: "ctlstore.internal:3000" })).status).toBe(200);
    expect((await get({ host: "ctlstore.internal:3000", origin: "https://example.com" })).status).toBe(403);
  });

  test("makes an admin first, since nobody could make the next operator otherwise", async () => {
    await using app = await openApp();
    for (const role of ["read", "loader", "schema"]) {
      const answer = await createOperator(app, "first", role);
      expect([answer.status, answer.code]).toEqual([422, "invalid_value"]);
    }
    expect((await createOperator(app, "first", "admin")).status).toBe(200);
  });

  test("D22 asks for tokens from its first operator on, and is not open again after its last one", async () => {
    await using app = await openApp();
    const first = await createOperator(app, "first", "admin");
    const token = bearerOf(first);
    const families = async (headers: Record<string, string>) =>
      (await app.call({ method: "GET", path: "/families", headers })).status;
    expect([await families({}), await families(token)]).toEqual([401, 200]);
    // With a token a browser is as good as any other client.
    expect(await families({ ...token, origin: "https://example.com", host: "ctlstore.internal" })).toBe(200);
    const revoked = await app.call({ method: "DELETE", path: "/operators/first", headers: token });
    expect(revoked.status).toBe(200);
    expect([await families({}), await families(token)]).toEqual([401, 401]);
  });
});

test("D22 an app that is open to nobody refuses everybody, also where there is no operator yet", async () => {
  await using open = await openApp();
  const app = createApp({ ...open.deps, metrics: createMetrics() }, { openTo: "nobody" });
  const { status, code } = await toAnswer(await app.handle(new Request("http://localhost/families")));
  expect([status, code]).toEqual([401, "bad_credentials"]);
});
