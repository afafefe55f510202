/** D22: no route is open by accident. */
import { expect, test } from "bun:test";
import { accessOf, LISTED_ROUTES } from "../../server/access/route-access.ts";
import { createRouteTable, pathOf } from "../../server/route-table.ts";
import { ADMIN_TOKEN, openTestApp } from "./test-app.ts";

const BAD_AUTHORIZATIONS = [
  "",
  ADMIN_TOKEN,
  `Basic ${ADMIN_TOKEN}`,
  "Bearer",
  "Bearer ",
  `Bearer ${ADMIN_TOKEN}x`,
  `Bearer ${ADMIN_TOKEN.slice(1)}`,
  `Bearer ${ADMIN_TOKEN.toUpperCase()}`,
  `Bearer ${ADMIN_TOKEN}, Bearer ${ADMIN_TOKEN}`,
  "Bearer \u00ff\u00fe",
];

test("D22 every route but the listed ones refuses a request without the admin token", async () => {
  await using app = await openTestApp({ destructiveSchemaChanges: true });
  const before = await app.headSequence();
  const closed = app.app.routes.filter(
    ({ method, path }) => !["open", "writer"].includes(accessOf(method, path)),
  );
  expect(closed.length).toBeGreaterThan(12);
  for (const { method, path } of closed) {
    const target = path.replace(":family", "shop").replace(":table", "item").replace(":writer", "importer");
    for (const authorization of [undefined, ...BAD_AUTHORIZATIONS]) {
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
      const answer = await app.call({
        method,
        path: target,
        headers,
        ...(method === "GET" ? {} : { body: "secret" }),
      });
      expect([method, path, answer.status, answer.code]).toEqual([method, path, 401, "bad_credentials"]);
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
      expect(answer.text).not.toContain(ADMIN_TOKEN);
    }
  }
  expect(await app.headSequence()).toBe(before);
});

test("D22 every route of the table of access exists, and HEAD opens none", async () => {
  await using app = await openTestApp();
  const existing = app.app.routes.map(({ method, path }) => `${method} ${path}`);
  expect(existing).toEqual(expect.arrayContaining([...LISTED_ROUTES]));
  for (const path of ["/status", "/families", "/schema/family/shop"]) {
    expect((await app.call({ method: "HEAD", path, headers: {} })).status).toBe(401);
  }
});

test("D22 dots and escapes in a path open no closed route", async () => {
  await using app = await openTestApp({ destructiveSchemaChanges: true });
  const before = await app.headSequence();
  for (const path of [
    "/healthz/../families",
    "/healthz/%2e%2e/families",
    "/%66amilies",
    "/families/shop%2Ftables%2Fitem",
    "/families;x",
    "/FAMILIES",
    "/families?x=/healthz",
  ]) {
    for (const method of ["GET", "POST", "DELETE", "PUT"]) {
      const answer = await app.call({
        method,
        path,
        headers: {},
        ...(method === "GET" ? {} : { body: "{}" }),
      });
      expect([400, 401, 404, 405]).toContain(answer.status);
    }
  }
  expect(await app.headSequence()).toBe(before);
});

test("the route table prefers literal segments, and takes the path as it stands in the URL", () => {
  const table = createRouteTable([
    { method: "GET", path: "/a/:b" },
    { method: "POST", path: "/a/:b" },
    { method: "GET", path: "/a/literal" },
  ]);
  expect(table.find("/a/literal")?.pattern).toBe("/a/literal");
  expect([...(table.find("/a/x")?.methods ?? [])]).toEqual(["GET", "POST"]);
  expect(table.find("/a/")).toBeUndefined();
  expect(table.find("/a/x/")).toBeUndefined();
  expect(pathOf("http://h:1/a/b?c=/d")).toBe("/a/b");
  expect(pathOf("http://h")).toBe("/");
});
