/** The routes of writers, operators, the audit trail and declared readers through the typed client. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { unwrap } from "../../client/client-error.ts";
import { type Client, createClient } from "../../client/create-client.ts";
import { ADMIN_TOKEN, openTestApp, type TestApp } from "../server/test-app.ts";
import { testSecret } from "../support/secrets.ts";

let app: TestApp;
beforeAll(async () => {
  app = await openTestApp();
});
afterAll(() => app[Symbol.asyncDispose]());

function clientWith(adminToken?: string): Client {
  return createClient("http://localhost", {
    fetch: async (input, init) => app.app.handle(new Request(input, init)),
    ...(adminToken === undefined ? {} : { adminToken }),
  });
}

test("writers are registered, granted, given a new secret, and revoked", async () => {
  const client = clientWith(ADMIN_TOKEN);
  const anna = client.writers({ writer: "anna" });
  unwrap(await anna.post(testSecret("first")));
  const granted = unwrap(await anna.grants.put({ families: ["shop"] }));
  expect(granted.grants).toEqual(["shop"]);
  const rotated = unwrap(await anna.secret.post(testSecret("second"), { query: { overlap: "1h" } }));
  expect(rotated.previousSecretUntil).not.toBeNull();
  expect(unwrap(await anna.delete()).writer).toBe("anna");
  expect(unwrap(await anna.get()).revoked).toBe(true);
  const { writers } = unwrap(await client.writers.get());
  expect(writers.map(({ writer }) => writer)).toEqual(["anna", "importer"]);
});

test("an operator's token is as good as the admin token, as far as its role goes", async () => {
  const client = clientWith(ADMIN_TOKEN);
  const { token, role } = unwrap(await client.operators({ name: "reader-1" }).post({ role: "read" }));
  const operator = clientWith(token);
  expect(unwrap(await operator.whoami.get())).toEqual({ name: "reader-1", role });
  expect(unwrap(await operator.families.get()).families).toEqual(["shop"]);
  const refused = await operator.families({ family: "more" }).post();
  expect(() => unwrap(refused)).toThrow(expect.objectContaining({ code: "not_granted" }));
  expect(unwrap(await client.operators.get()).operators.map(({ name }) => name)).toEqual(["reader-1"]);
  expect(unwrap(await client.operators({ name: "reader-1" }).delete()).name).toBe("reader-1");
  const unknown = await operator.whoami.get();
  expect(() => unwrap(unknown)).toThrow(expect.objectContaining({ code: "bad_credentials" }));
});

test("readers are declared, and every change is in the audit trail", async () => {
  const client = clientWith(ADMIN_TOKEN);
  const { readers } = client.families({ family: "shop" }).tables({ table: "item" });
  unwrap(await readers({ reader: "checkout" }).put({ contact: "#checkout" }));
  expect(unwrap(await readers.get()).readers.map(({ contact }) => contact)).toEqual(["#checkout"]);
  unwrap(await readers({ reader: "checkout" }).delete());
  const { entries, next } = unwrap(await client.audit.get({ query: { limit: "2", target: "shop/item" } }));
  expect(entries.map(({ action, actor }) => [action, actor])).toEqual([
    ["reader.withdraw", "admin-token"],
    ["reader.declare", "admin-token"],
  ]);
  expect(next).not.toBeNull();
});
