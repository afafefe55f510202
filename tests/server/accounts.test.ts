/** The routes of writers, operators, the audit trail and declared readers: what they do, and what they refuse. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { testSecret } from "../support/secrets.ts";
import { type AccessWorld, openAccessWorld, writerHeaders } from "./access-world.ts";
import { ADMIN, type Answer } from "./test-app.ts";

let world: AccessWorld;
beforeAll(async () => {
  world = await openAccessWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

type Body = string | Uint8Array<ArrayBuffer>;

function call(
  method: string,
  path: string,
  body?: Body,
  headers: Record<string, string> = ADMIN,
): Promise<Answer> {
  return world.app.call({ method, path, headers, ...(body === undefined ? {} : { body }) });
}

async function okOf(method: string, path: string, body?: Body): Promise<unknown> {
  const { status, text, json } = await call(method, path, body);
  if (status !== 200) throw new Error(`${method} ${path}: ${status} ${text}`);
  return json;
}

const ISO_US = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const cookieStatus = async (writer: string, secret: string) =>
  (await call("GET", "/cookie", undefined, { ...writerHeaders(writer, secret) })).status;

describe("a writer", () => {
  const [first, second] = [testSecret("first"), testSecret("second")];

  test("R45 is registered, listed, given a new secret beside the old one, revoked, and made valid again", async () => {
    await okOf("POST", "/writers/anna", first);
    const info = {
      writer: "anna",
      grants: null,
      revoked: false,
      secretForm: "salted",
      previousSecretUntil: null,
    };
    expect(await okOf("GET", "/writers/anna")).toEqual(info);
    expect(await okOf("GET", "/writers")).toMatchObject({ writers: expect.arrayContaining([info]) });

    const rotated = await okOf("POST", "/writers/anna/secret", second);
    expect(rotated).toEqual({ ...info, previousSecretUntil: expect.stringMatching(ISO_US) });
    const { previousSecretUntil } = rotated as { previousSecretUntil: string };
    const hours = (Date.parse(previousSecretUntil) - Date.now()) / 3_600_000;
    expect(Math.round(hours)).toBe(24);
    expect([await cookieStatus("anna", first), await cookieStatus("anna", second)]).toEqual([200, 200]);

    expect(await okOf("DELETE", "/writers/anna")).toEqual({ writer: "anna" });
    expect(await okOf("GET", "/writers/anna")).toEqual({ ...info, revoked: true, secretForm: null });
    expect([await cookieStatus("anna", first), await cookieStatus("anna", second)]).toEqual([401, 401]);
    expect((await call("POST", "/writers/anna", second)).code).toBe("writer_exists");

    expect(await okOf("POST", "/writers/anna/secret?overlap=0s", first)).toEqual(info);
    expect([await cookieStatus("anna", first), await cookieStatus("anna", second)]).toEqual([200, 401]);
  });

  test("D22 writes the families that it was granted, and every family when its grants are taken back", async () => {
    await okOf("POST", "/writers/bert", first);
    const write = async () => {
      const batch = '{"mutations":[{"table":"counter","values":{"id":1}}]}';
      return (await call("POST", "/families/shop/mutations", batch, { ...writerHeaders("bert", first) }))
        .code;
    };
    const grant = (families: unknown) => okOf("PUT", "/writers/bert/grants", JSON.stringify({ families }));
    expect(await grant(["Shop", "other"])).toMatchObject({ grants: ["other", "shop"] });
    expect(await write()).toBeNull();
    expect(await grant([])).toMatchObject({ grants: [] });
    expect(await write()).toBe("not_granted");
    // A family may be granted before it is made.
    expect(await grant(["later"])).toMatchObject({ grants: ["later"] });
    expect(await write()).toBe("not_granted");
    expect(await grant(null)).toMatchObject({ grants: null });
    expect(await write()).toBeNull();
  });
});

test("an operator is made with a token that is told once, is known by it, and is gone when revoked", async () => {
  const made = await call("POST", "/operators/Carol", '{"role":"schema"}');
  expect(made.json).toEqual({
    name: "carol",
    role: "schema",
    token: expect.stringMatching(/^ctl_[\w-]{43}$/),
  });
  expect(made.headers.get("cache-control")).toBe("no-store");
  const { token } = made.json as { token: string };
  const carol = { authorization: `Bearer ${token}` };
  expect((await call("GET", "/whoami", undefined, carol)).json).toEqual({ name: "carol", role: "schema" });
  const listed = await call("GET", "/operators");
  expect(listed.json).toMatchObject({
    operators: expect.arrayContaining([
      { name: "carol", role: "schema", createdAt: expect.stringMatching(ISO_US), createdBy: "admin-token" },
    ]),
  });
  expect(listed.text).not.toContain(token);
  expect((await call("POST", "/operators/carol", '{"role":"admin"}')).code).toBe("operator_exists");
  expect(await okOf("DELETE", "/operators/carol")).toEqual({ name: "carol" });
  expect((await call("GET", "/whoami", undefined, carol)).status).toBe(401);
  expect((await call("DELETE", "/operators/carol")).code).toBe("unknown_operator");
});

test("a declared reader is listed with its contact and who declared it, replaced, and withdrawn", async () => {
  const readers = "/families/shop/tables/item/readers";
  const schema = world.operators.schema;
  expect((await call("PUT", `${readers}/checkout`, '{"contact":"#checkout 😀"}', { ...schema })).status).toBe(
    200,
  );
  expect(await okOf("GET", "/families/SHOP/tables/Item/readers")).toEqual({
    readers: [
      {
        reader: "checkout",
        contact: "#checkout 😀",
        declaredAt: expect.stringMatching(ISO_US),
        declaredBy: "an-schema",
      },
    ],
  });
  expect(await okOf("PUT", `${readers}/checkout`, "{}")).toEqual({ reader: "checkout" });
  expect(await okOf("GET", readers)).toMatchObject({
    readers: [{ contact: null, declaredBy: "admin-token" }],
  });
  expect(await okOf("DELETE", `${readers}/checkout`)).toEqual({ reader: "checkout" });
  expect(await okOf("GET", readers)).toEqual({ readers: [] });
});

describe("the audit trail", () => {
  interface Page {
    readonly entries: readonly {
      id: number;
      at: string;
      actor: string;
      action: string;
      target: string;
      sequence?: number;
    }[];
    readonly next: number | null;
  }
  const read = async (query: string) => (await okOf("GET", `/audit${query}`)) as Page;

  test("names whoever made each change, with its ledger entry, and no secret", async () => {
    const { schema, admin } = world.operators;
    await call("POST", "/families/audited", undefined, { ...schema });
    const body = JSON.stringify({ fields: [["id", "integer"]], keyFields: ["id"] });
    const created = await call("POST", "/families/audited/tables/first", body, { ...schema });
    await call("PUT", "/families/audited/tables/first", '{"fields":[["more","text"]]}', { ...schema });
    await call("DELETE", "/clear-rows/families/audited/tables/first", undefined, { ...admin });
    await call("DELETE", "/families/audited/tables/first", undefined, { ...admin });
    await call("POST", "/limits/fleet", '{"amount":1000,"period":"1m"}', { ...admin });
    await call("DELETE", "/limits/fleet", undefined, { ...admin });
    await call("POST", "/writers/audited", testSecret("audited"), { ...world.operators.loader });
    await call("POST", "/writers/audited/secret", testSecret("again"), { ...admin });
    const { entries } = await read("?limit=9");
    expect(entries.map(({ actor, action }) => [actor, action]).toReversed()).toEqual([
      ["an-schema", "family.create"],
      ["an-schema", "table.create"],
      ["an-schema", "table.add-fields"],
      ["an-admin", "rows.clear"],
      ["an-admin", "table.drop"],
      ["an-admin", "limit.set"],
      ["an-admin", "limit.reset"],
      ["an-loader", "writer.register"],
      ["an-admin", "writer.rotate"],
    ]);
    for (const { at } of entries) expect(at).toMatch(ISO_US);
    const creation = (await read("?action=table.create&target=audited/first")).entries;
    expect(creation.map(({ sequence }) => sequence)).toEqual([
      (created.json as { sequence: number }).sequence,
    ]);
  });

  test("comes page by page, and by actor, action and target", async () => {
    const all = (await read("?limit=1000")).entries;
    const paged: Page["entries"][number][] = [];
    let before: number | null = null;
    do {
      const page: Page = await read(`?limit=3${before === null ? "" : `&before=${before}`}`);
      expect(page.entries.length).toBeLessThanOrEqual(3);
      paged.push(...page.entries);
      before = page.next;
    } while (before !== null);
    expect(paged).toEqual([...all]);
    const bySchema = await read("?limit=1000&actor=an-schema");
    expect(bySchema.entries).toEqual(all.filter(({ actor }) => actor === "an-schema"));
    expect((await read("?actor=nobody")).entries).toEqual([]);
    expect((await read("?actor=an-schem%25")).entries).toEqual([]);
    await okOf("POST", `/writers/${encodeURIComponent('{"a":1},b')}`, testSecret("odd"));
    const odd = await read(`?target=${encodeURIComponent('writer {"a":1},b')}`);
    expect(odd.entries.map(({ action }) => action)).toEqual(["writer.register"]);
  });
});

describe("what these routes refuse, changing nothing", () => {
  const READERS = "/families/shop/tables/item/readers";
  const GRANTS = "/writers/importer/grants";
  const SECRET = "/writers/importer/secret";
  const MALFORMED = [400, "malformed_request"] as const;
  const BAD_NAME = [422, "invalid_name"] as const;
  const BAD_VALUE = [422, "invalid_value"] as const;
  const huge = "9223372036854775808";
  const secret = testSecret("other");
  type Case = readonly [
    method: string,
    path: string,
    body: Body | undefined,
    expected: readonly [number, string],
  ];

  const BAD_BODIES: readonly Body[] = [
    "",
    "{}",
    "null",
    "[]",
    "NaN",
    huge,
    '"read"',
    '{"role":null,"families":1}',
    '{"role":NaN}',
    '{"role":"owner"}',
    '{"role":"Admin"}',
    '{"role":"admin\\u0000"}',
    '{"role":["admin"]}',
    `{"role":${huge},"families":${huge}}`,
    '{"role":"read","token":"mine"}',
    '{"families":["shop"],"more":1}',
    '{"families":[null]}',
    '{"families":[["shop"]]}',
    '{"families":"shop"}',
    '{"families":{}}',
    Uint8Array.of(0xff, 0xfe),
  ];
  const BAD_NAMES = ["ab", "a".repeat(51), "a%00b", "😀😀😀", "a%20b", "-abc", "a%2Fb"].map(encodeNonAscii);

  const cases: readonly Case[] = [
    ...BAD_BODIES.flatMap((body): Case[] => [
      ["POST", "/operators/dave", body, MALFORMED],
      ["PUT", GRANTS, body, MALFORMED],
    ]),
    ["PUT", `${READERS}/billing`, "", MALFORMED],
    ["PUT", `${READERS}/billing`, '{"contact":1}', MALFORMED],
    ["PUT", `${READERS}/billing`, '{"kontakt":"x"}', MALFORMED],
    ["PUT", `${READERS}/billing`, JSON.stringify({ contact: "a\u0000b" }), BAD_VALUE],
    ["PUT", `${READERS}/billing`, JSON.stringify({ contact: "a\u009b2Jb" }), BAD_VALUE],
    ["PUT", `${READERS}/billing`, JSON.stringify({ contact: "a".repeat(192) }), BAD_VALUE],
    ["PUT", `${READERS}/billing`, '{"contact":"\\ud800"}', BAD_VALUE],
    ...BAD_NAMES.flatMap((name): Case[] => [
      ["POST", `/operators/${name}`, '{"role":"read"}', BAD_NAME],
      ["DELETE", `/operators/${name}`, undefined, BAD_NAME],
      ["PUT", `${READERS}/${name}`, "{}", BAD_NAME],
    ]),
    ["POST", "/operators/admin-token", '{"role":"read"}', BAD_NAME],
    ["POST", "/operators/anonymous", '{"role":"read"}', BAD_NAME],
    ["DELETE", `${READERS}/nobody`, undefined, [404, "unknown_reader"]],
    ["GET", "/families/shop/tables/nothere/readers", undefined, [404, "unknown_table"]],
    ["PUT", "/families/nothere/tables/item/readers/billing", "{}", [404, "unknown_family"]],
    ["PUT", GRANTS, '{"families":["no__pe"]}', BAD_NAME],
    ["PUT", GRANTS, '{"families":["😀"]}', BAD_NAME],
    ["PUT", GRANTS, '{"families":["shop","SHOP"]}', BAD_VALUE],
    [
      "PUT",
      GRANTS,
      JSON.stringify({ families: Array.from({ length: 1001 }, (_, i) => `fam${i}`) }),
      BAD_VALUE,
    ],
    ["PUT", "/writers/nobody/grants", '{"families":["shop"]}', [404, "unknown_writer"]],
    ["GET", "/writers/nobody", undefined, [404, "unknown_writer"]],
    ["GET", "/writers/IMPORTER", undefined, [404, "unknown_writer"]],
    ["DELETE", "/writers/nobody", undefined, [404, "unknown_writer"]],
    ["POST", "/writers/nobody/secret", secret, [404, "unknown_writer"]],
    ["POST", "/writers/loader:*", secret, BAD_NAME],
    // What a terminal would obey, and what looks like writer `importer`.
    ...["a\u009b2Jb", "impor\u200bter", "\u202eretropmi", "impor\u2028ter"].map(
      (name): Case => ["POST", `/writers/${encodeURIComponent(name)}`, secret, BAD_NAME],
    ),
    ["POST", SECRET, "", BAD_VALUE],
    ["POST", SECRET, "ab", BAD_VALUE],
    ["POST", SECRET, `${secret}\n`, BAD_VALUE],
    ["POST", SECRET, "x".repeat(5000), [413, "request_too_large"]],
    ...[
      "",
      "1x",
      "24",
      "-1h",
      "1e3s",
      huge,
      `${huge}s`,
      "8761h",
      "NaN",
      "24h,0s",
      "😀",
      "%00",
      "999999999999999h",
    ].map((overlap): Case => ["POST", `${SECRET}?overlap=${encodeNonAscii(overlap)}`, secret, BAD_VALUE]),
    ["POST", `${SECRET}?overlap=0s&overlap=24h`, secret, MALFORMED],
    ["POST", `${SECRET}?overlop=0s`, secret, MALFORMED],
    ...["limit=0", "limit=1001", "limit=1e2", "limit=", "limit=NaN", `limit=${huge}`].map(
      (query): Case => ["GET", `/audit?${query}`, undefined, MALFORMED],
    ),
    ...["before=0", "before=-1", `before=${huge}`, "before=", "before=x", "before=1.5"].map(
      (query): Case => ["GET", `/audit?${query}`, undefined, MALFORMED],
    ),
    ...[
      "action=",
      "action=drop",
      "action=TABLE.DROP",
      "actor=",
      "actor=%00",
      "target=%0a",
      "who=x",
      "actor=a&actor=b",
    ].map((query): Case => ["GET", `/audit?${query}`, undefined, MALFORMED]),
    ["GET", `/audit?target=${"x".repeat(192)}`, undefined, MALFORMED],
  ];

  test(`D14 each of ${cases.length} requests is refused with its code`, async () => {
    const before = world.contents();
    for (const [method, path, body, expected] of cases) {
      const { status, code, text } = await call(method, path, body);
      expect([method, path, body, status, code]).toEqual([method, path, body, ...expected]);
      expect(text.length).toBeLessThan(700);
    }
    expect(world.contents()).toBe(before);
  });
});

function encodeNonAscii(text: string): string {
  return text.replace(/[^\x20-\x7e]+/gu, encodeURIComponent);
}
