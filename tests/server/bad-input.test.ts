/**
 * Bad input to every route: each gets its documented status and code, changes nothing, and the server lives.
 *
 * The cases are data; `expectRefused` is what is checked of each. Bad connections are in `executive.test.ts`.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { parseWriterName } from "../../core/names.ts";
import { ADMIN, type Answer, type Call, openTestApp, type TestApp, WRITER } from "./test-app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await openTestApp({ destructiveSchemaChanges: true });
});
afterAll(() => app[Symbol.asyncDispose]());

/** Everything that a refused request must leave as it was. */
async function state() {
  const { headSequence, schemaVersion } = await app.ctldb.status();
  const catalog = await app.ctldb.catalog();
  const cookie = await app.ctldb.readCookie(parseWriterName("importer"), "s3cr3t-writer");
  return { headSequence, schemaVersion, families: [...catalog.families], cookie: [...cookie] };
}

interface Expected {
  readonly status: number;
  readonly code: string;
  readonly index?: number;
  readonly field?: string;
}

async function expectRefused(call: Call, expected: Expected): Promise<Answer> {
  const before = await state();
  const answer = await app.call(call);
  const { status, ...error } = expected;
  expect({ status: answer.status, json: answer.json }).toMatchObject({ status, json: { error } });
  expect(await state()).toEqual(before);
  expect((await app.mutate({ mutations: [{ table: "counter", values: { id: 1 } }] })).status).toBe(200);
  return answer;
}

const MUTATIONS = "/families/shop/mutations";
const send = (body: string | Uint8Array<ArrayBuffer>): Call => ({
  method: "POST",
  path: MUTATIONS,
  body,
  headers: WRITER,
});
const MALFORMED = { status: 400, code: "malformed_request" };

const JSON_ROUTES: ReadonlyArray<readonly [method: string, path: string]> = [
  ["POST", "/families/shop/tables/fresh"],
  ["PUT", "/families/shop/tables/item"],
  ["POST", "/tables"],
  ["POST", MUTATIONS],
];

const BROKEN_BODIES: ReadonlyArray<readonly [name: string, body: string | Uint8Array<ArrayBuffer>]> = [
  ["nothing", ""],
  ["white space", "  "],
  ["half an object", '{"fields":[["a"'],
  ["a word", "fields"],
  ["NaN", "NaN"],
  ["a bare NaN as a member", '{"fields":NaN,"mutations":NaN}'],
  ["two values", "{} {}"],
  ["a trailing comma", '{"fields":[],}'],
  ["null", "null"],
  ["a number", "1"],
  ["a number out of range", "1e400"],
  ["a string", '"fields"'],
  ["an unknown member", '{"nothing_like_this":1}'],
  ["a list of nulls", "[null]"],
  ["a list of lists", "[[]]"],
  ["fields of the wrong type", '{"fields":1,"keyFields":1,"mutations":1}'],
  ["a NUL outside a string", '{"fields":\u0000}'],
  ["invalid UTF-8", Uint8Array.of(0x22, 0xff, 0xfe, 0x22)],
  ["a lone surrogate as UTF-8 bytes", Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22)],
  ["UTF-16", new Uint8Array(Buffer.from('{"fields":[]}', "utf16le"))],
];

describe("a body that is no JSON or of the wrong form", () => {
  for (const [method, path] of JSON_ROUTES) {
    for (const [name, body] of BROKEN_BODIES) {
      test(`${method} ${path} refuses ${name}`, async () => {
        const headers = path === MUTATIONS ? WRITER : ADMIN;
        await expectRefused({ method, path, body, headers }, MALFORMED);
      });
    }
  }

  test("the answer does not echo what was sent beyond a short quote", async () => {
    const long = "x".repeat(5000);
    const answers = [
      await expectRefused(send(JSON.stringify({ [long]: 1 })), MALFORMED),
      await expectRefused(send(JSON.stringify({ mutations: long })), MALFORMED),
      await expectRefused(send(JSON.stringify({ mutations: [{ table: long, values: {} }] })), {
        status: 422,
        code: "invalid_name",
        index: 0,
      }),
      await expectRefused(send(`{"mutations":${long}}`), MALFORMED),
    ];
    for (const { text } of answers) expect(text.length).toBeLessThan(500);
  });

  test("a deeply nested body is refused or read, and never ends the process", async () => {
    const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
    await expectRefused(send(`{"mutations":${deep}}`), MALFORMED);
    await expectRefused(send(`{"mutations":[{"table":"item","values":{"name":${deep}}}]}`), {
      status: 422,
      code: "invalid_value",
      index: 0,
    });
  });
});

describe("a schema that cannot be", () => {
  const table = (fields: unknown, keyFields: unknown = ["a"]): Call => ({
    method: "POST",
    path: "/families/shop/tables/fresh",
    body: JSON.stringify({ fields, keyFields }),
  });
  const key = ["a", "string"];
  const cases: ReadonlyArray<readonly [name: string, call: Call, expected: Expected]> = [
    ["an unknown type", table([["a", "varchar"]]), { status: 422, code: "invalid_schema" }],
    ["no fields", table([]), { status: 422, code: "invalid_schema" }],
    ["no key", table([key], []), { status: 422, code: "invalid_schema" }],
    ["a key that is not a field", table([key], ["b"]), { status: 422, code: "invalid_schema" }],
    ["a decimal key", table([["a", "decimal"]]), { status: 422, code: "invalid_schema" }],
    ["a field twice", table([key, ["A", "text"]]), { status: 422, code: "invalid_schema" }],
    ["a key field twice", table([key], ["a", "a"]), { status: 422, code: "invalid_schema" }],
    ["a field of three members", table([["a", "string", "x"]]), MALFORMED],
    ["a field of one member", table([["a"]]), MALFORMED],
    ["a field that is an object", table([{ name: "a", type: "string" }]), MALFORMED],
    ["a field name with a quote", table([key, ['b"', "text"]]), { status: 422, code: "invalid_name" }],
    ["a field name with NUL", table([key, ["b\u0000", "text"]]), { status: 422, code: "invalid_name" }],
    ["an emoji as a field name", table([key, ["😀", "text"]]), { status: 422, code: "invalid_name" }],
    [
      "a lone surrogate as a field name",
      table([key, ["\ud800", "text"]]),
      { status: 422, code: "invalid_name" },
    ],
    [
      "a field name of 65 characters",
      table([key, ["b".repeat(65), "text"]]),
      { status: 422, code: "invalid_name" },
    ],
    ["a number as a field name", table([[1, "string"]]), MALFORMED],
    [
      "201 fields",
      table([key, ...Array.from({ length: 200 }, (_, i) => [`f${i}`, "integer"])]),
      { status: 422, code: "invalid_schema" },
    ],
  ];
  for (const [name, call, expected] of cases) {
    test(`POST /families/{f}/tables/{t} refuses ${name}`, () => expectRefused(call, expected).then(() => {}));
  }

  test("D14 a bad table name in add-fields is refused", async () => {
    const body = JSON.stringify({ fields: [["extra", "text"]] });
    const put = (path: string, expected: Expected) => expectRefused({ method: "PUT", path, body }, expected);
    await put("/families/shop/tables/1bad", { status: 422, code: "invalid_name" });
    await put("/families/shop/tables/no__pe", { status: 422, code: "invalid_name" });
    await put("/families/shop/tables/nothere", { status: 404, code: "unknown_table" });
    await put("/families/nothere/tables/item", { status: 404, code: "unknown_family" });
  });

  test("POST /tables names the table at fault and creates none", async () => {
    const good = { family: "shop", name: "good", fields: [key], keyFields: ["a"] };
    const post = (second: object, expected: Expected) =>
      expectRefused(
        { method: "POST", path: "/tables", body: JSON.stringify([good, { ...good, ...second }]) },
        expected,
      );
    await post({ name: "x" }, { status: 422, code: "invalid_name", index: 1 });
    await post({ fields: [["a", "no"]] }, { status: 422, code: "invalid_schema", index: 1 });
    await post({ family: "nothere" }, { status: 404, code: "unknown_family" });
    await post({ name: "item" }, { status: 409, code: "table_exists" });
    await post({ name: 5 }, MALFORMED);
  });
});

describe("names in the path", () => {
  const cases: ReadonlyArray<readonly [path: string, status: number, code: string]> = [
    ["/families/ab", 422, "invalid_name"],
    ["/families/1abc", 422, "invalid_name"],
    ["/families/ab__c", 422, "invalid_name"],
    ["/families/abc_", 422, "invalid_name"],
    [`/families/${"a".repeat(31)}`, 422, "invalid_name"],
    ["/families/a%00bc", 422, "invalid_name"],
    ["/families/a%0d%0abc", 422, "invalid_name"],
    [`/families/${encodeURIComponent("ab😀")}`, 422, "invalid_name"],
    ["/families/%ed%a0%80abc", 400, "malformed_request"],
    ["/families/%ff", 400, "malformed_request"],
    ["/families/%", 400, "malformed_request"],
    ["/families/a'b%22c", 422, "invalid_name"],
    ["/families/İstanbul".normalize(), 422, "invalid_name"],
    ["/writers/ab", 422, "invalid_name"],
    [`/writers/${"w".repeat(51)}`, 422, "invalid_name"],
    ["/writers/%20abc", 422, "invalid_name"],
    ["/writers/a%0ab", 422, "invalid_name"],
    ["/writers/a%00b", 422, "invalid_name"],
  ];
  for (const [path, status, code] of cases) {
    test(`POST ${path} is ${status} ${code}`, async () => {
      await expectRefused({ method: "POST", path, body: "a-good-secret" }, { status, code });
    });
  }

  test("unknown families and tables are 404 on every route that names one", async () => {
    const unknown: ReadonlyArray<readonly [method: string, path: string, code: string]> = [
      ["GET", "/schema/table/shop/nothere", "unknown_table"],
      ["GET", "/schema/table/nothere/item", "unknown_family"],
      ["GET", "/schema/family/nothere", "unknown_family"],
      ["GET", "/families/nothere/tables", "unknown_family"],
      ["DELETE", "/families/shop/tables/nothere", "unknown_table"],
      ["DELETE", "/families/nothere/tables/item", "unknown_family"],
      ["DELETE", "/clear-rows/families/nothere", "unknown_family"],
      ["DELETE", "/clear-rows/families/shop/tables/nothere", "unknown_table"],
    ];
    for (const [method, path, code] of unknown) await expectRefused({ method, path }, { status: 404, code });
    const batch = '{"mutations":[{"table":"item","values":{"name":"x"}}]}';
    await expectRefused(
      { method: "POST", path: "/families/nothere/mutations", body: batch, headers: WRITER },
      { status: 404, code: "unknown_family" },
    );
    await expectRefused(
      { method: "POST", path: "/families/no%2Fhere/mutations", body: batch, headers: WRITER },
      { status: 422, code: "invalid_name" },
    );
  });
});

describe("secrets and cookies", () => {
  const bytes = (length: number) => new Uint8Array(length).fill(120);
  const secret = (body: string | Uint8Array<ArrayBuffer>): Call => ({
    method: "POST",
    path: "/writers/newcomer",
    body,
  });
  const REFUSED = { status: 422, code: "invalid_value", field: "secret" };
  const TOO_LARGE = { status: 413, code: "request_too_large" };

  for (const [name, body] of [
    ["none", ""],
    ["of two characters", "ab"],
    ["of 101 characters", "a".repeat(101)],
    ["with a line break at its end", "s3cr3t-writer\n"],
    ["with a space at its start", " s3cr3t-writer"],
    ["with a NUL", "a\u0000secret"],
    ["that is not UTF-8", Uint8Array.of(0xff, 0xfe, 0x41)],
  ] as const) {
    test(`POST /writers/{w} refuses a secret ${name}`, () =>
      expectRefused(secret(body), REFUSED).then(() => {}));
  }

  test("POST /writers/{w} refuses a secret of many kilobytes", async () => {
    await expectRefused(secret(bytes(5000)), TOO_LARGE);
  });

  test("POST /cookie refuses 1025 bytes", async () => {
    await expectRefused({ method: "POST", path: "/cookie", body: bytes(1025), headers: WRITER }, TOO_LARGE);
  });

  const mutations = [{ table: "counter", values: { id: 7 } }];
  for (const field of ["cookie", "check_cookie"]) {
    for (const text of ["YQ", "YR==", "Y Q==", "YQ==\n", "_-8=", "=", "é", "YQ==YQ=="]) {
      test(`a ${field} of ${JSON.stringify(text)} is not base64`, async () => {
        await expectRefused(send(JSON.stringify({ [field]: text, mutations })), { ...MALFORMED, field });
      });
    }
    test(`a ${field} of 1025 bytes is too long`, async () => {
      const text = Buffer.from(bytes(1025)).toString("base64");
      const expected = { status: 422, code: "invalid_value", field };
      await expectRefused(send(JSON.stringify({ [field]: text, mutations })), expected);
    });
    test(`a ${field} that is a number is refused`, async () => {
      await expectRefused(send(JSON.stringify({ [field]: 1, mutations })), MALFORMED);
    });
  }

  test("a check_cookie that is not the stored cookie changes nothing", async () => {
    await expectRefused(send(JSON.stringify({ check_cookie: btoa("x"), cookie: btoa("y"), mutations })), {
      status: 409,
      code: "cookie_conflict",
    });
  });
});

describe("credentials", () => {
  const BAD = { status: 401, code: "bad_credentials" };
  const cases: ReadonlyArray<readonly [name: string, headers: Record<string, string>]> = [
    ["no headers", {}],
    ["the admin token instead", ADMIN],
    ["no secret", { "ctlstore-writer": "importer" }],
    ["no writer", { "ctlstore-secret": "s3cr3t-writer" }],
    ["a wrong secret", { ...WRITER, "ctlstore-secret": "s3cr3t-another" }],
    ["an empty secret", { ...WRITER, "ctlstore-secret": "" }],
    ["a secret in another case", { ...WRITER, "ctlstore-secret": WRITER["ctlstore-secret"].toUpperCase() }],
    ["an unknown writer", { ...WRITER, "ctlstore-writer": "nobody" }],
    ["a writer in another case", { ...WRITER, "ctlstore-writer": "Importer" }],
    ["a writer of two letters", { ...WRITER, "ctlstore-writer": "ab" }],
    ["a writer that is not UTF-8", { ...WRITER, "ctlstore-writer": "importer\u00ff" }],
    ["a writer that is SQL", { ...WRITER, "ctlstore-writer": "x' OR '1'='1" }],
    ["a very long secret", { ...WRITER, "ctlstore-secret": "s".repeat(10_000) }],
  ];
  const routes: readonly Call[] = [
    { method: "GET", path: "/cookie" },
    { method: "POST", path: "/cookie", body: "x" },
    { method: "POST", path: MUTATIONS, body: '{"mutations":[{"table":"counter","values":{"id":1}}]}' },
    { method: "POST", path: MUTATIONS, body: '{"cookie":"YQ=="}' },
  ];
  for (const [name, headers] of cases) {
    test(`cookie and mutation routes refuse ${name}`, async () => {
      for (const route of routes) await expectRefused({ ...route, headers }, BAD);
    });
  }

  test.each([MUTATIONS, "/cookie"])(
    "D22 of whoever is no writer no byte of a body to %s is read",
    async (path) => {
      let isRead = false;
      const source = {
        pull(controller: ReadableStreamDefaultController<Uint8Array>) {
          isRead = true;
          controller.close();
        },
      };
      for (const headers of [
        {},
        { ...WRITER, "ctlstore-secret": "s3cr3t-wrong" },
        { ...WRITER, "ctlstore-writer": "nobody" },
      ]) {
        const body = new ReadableStream(source, { highWaterMark: 0 });
        await expectRefused({ method: "POST", path, body, headers }, BAD);
      }
      expect(isRead).toBe(false);
      const body = new ReadableStream(source, { highWaterMark: 0 });
      await app.call({ method: "POST", path, body, headers: WRITER });
      expect(isRead).toBe(true);
    },
  );

  test("only a writer learns what is wrong with its batch", async () => {
    const body = '{"mutations":[{"table":"item","values":{"name":"x","nothing":1}}]}';
    await expectRefused(
      { method: "POST", path: MUTATIONS, body, headers: { ...WRITER, "ctlstore-secret": "s3cr3t-wrong" } },
      BAD,
    );
  });
});

const row = (values: string) =>
  `{"mutations":[{"table":"counter","values":{"id":1}},{"table":"item","values":${values}}]}`;

describe("values", () => {
  const INVALID = { status: 422, code: "invalid_value", index: 1 };
  const text = (length: number) => JSON.stringify("x".repeat(length));
  const refused: ReadonlyArray<readonly [name: string, values: string, expected: Expected]> = [
    ["D14 an array", '{"name":"x","order":[1]}', { ...INVALID, field: "order" }],
    ["D14 an object", '{"name":"x","order":{"a":1}}', { ...INVALID, field: "order" }],
    ["D14 an array as a key", '{"name":["x"]}', { ...INVALID, field: "name" }],
    ["D14 an object for bytes", '{"name":"x","picture":{"0":1}}', { ...INVALID, field: "picture" }],
    ["D14 an array as values", "[1,2]", { status: 400, code: "malformed_request", index: 1 }],
    ["D14 a string as values", '"x"', { status: 400, code: "malformed_request", index: 1 }],
    ["a huge number as values", "1e400", { status: 400, code: "malformed_request", index: 1 }],
    ["D1 1.5 for an integer", '{"name":"x","order":1.5}', { ...INVALID, field: "order" }],
    [
      "D1 1.5 for an integer, long",
      '{"name":"x","order":1.5000000000000000000}',
      { ...INVALID, field: "order" },
    ],
    ["D2 a string of 192 characters", `{"name":${text(192)}}`, { ...INVALID, field: "name" }],
    ["D2 abc for an integer", '{"name":"x","order":"abc"}', { ...INVALID, field: "order" }],
    ["an empty string for an integer", '{"name":"x","order":""}', { ...INVALID, field: "order" }],
    ["2^63", '{"name":"x","order":9223372036854775808}', { ...INVALID, field: "order" }],
    ["2^63 as a string", '{"name":"x","order":"9223372036854775808"}', { ...INVALID, field: "order" }],
    ["-2^63-1", '{"name":"x","order":-9223372036854775809}', { ...INVALID, field: "order" }],
    ["1e400 for a decimal", '{"name":"x","weight":1e400}', { ...INVALID, field: "weight" }],
    ["1e400 for an integer", '{"name":"x","order":1e400}', { ...INVALID, field: "order" }],
    ["a million digits", `{"name":"x","order":1${"0".repeat(900_000)}}`, { ...INVALID, field: "order" }],
    ["NaN as a string", '{"name":"x","weight":"NaN"}', { ...INVALID, field: "weight" }],
    ["a number for a string", '{"name":1}', { ...INVALID, field: "name" }],
    ["true for a string", '{"name":true}', { ...INVALID, field: "name" }],
    ["a null key", '{"name":null}', { ...INVALID, field: "name" }],
    ["no key", '{"order":1}', { status: 422, code: "missing_key_field", index: 1, field: "name" }],
    ["no values", "{}", { status: 422, code: "missing_key_field", index: 1, field: "name" }],
    [
      "an unknown field",
      '{"name":"x","colour":1}',
      { status: 422, code: "unknown_field", index: 1, field: "colour" },
    ],
    [
      "__proto__",
      '{"name":"x","__proto__":1}',
      { status: 422, code: "unknown_field", index: 1, field: "__proto__" },
    ],
    ["constructor", '{"name":"x","constructor":1}', { status: 422, code: "unknown_field", index: 1 }],
    ["an empty field name", '{"name":"x","":1}', { status: 422, code: "unknown_field", index: 1 }],
    ["a field in two cases", '{"name":"x","Name":"y"}', { status: 400, code: "malformed_request", index: 1 }],
    ["a lone surrogate by escape", '{"name":"\\ud800"}', { ...INVALID, field: "name" }],
    ["a reversed pair by escape", '{"name":"x","note":"\\udc00\\ud800"}', { ...INVALID, field: "note" }],
    ["bad base64", '{"name":"x","picture":"###"}', { ...INVALID, field: "picture" }],
    ["base64 without padding", '{"name":"x","picture":"QQ"}', { ...INVALID, field: "picture" }],
    ["base64 with stray bits", '{"name":"x","picture":"QR=="}', { ...INVALID, field: "picture" }],
    [
      "a bytestring of 256 bytes",
      `{"name":"x","checksum":"${Buffer.alloc(256).toString("base64")}"}`,
      { ...INVALID, field: "checksum" },
    ],
    ["a text over 512 KiB", `{"name":"x","note":${text(512 * 1024 + 1)}}`, { ...INVALID, field: "note" }],
  ];
  for (const [name, values, expected] of refused) {
    test(`${name} is refused, and the good row before it with it`, () =>
      expectRefused(send(row(values)), expected).then(() => {}));
  }

  test("invalid UTF-8 inside a string is refused", async () => {
    const [before = "", after = ""] = row('{"name":"?"}').split("?");
    const body = new Uint8Array(Buffer.concat([Buffer.from(before), Buffer.of(0xff), Buffer.from(after)]));
    await expectRefused(send(body), MALFORMED);
  });

  const stored: ReadonlyArray<readonly [name: string, values: string, row: Record<string, unknown>]> = [
    ["D4 2^53+1 as a number", '{"name":"v","order":9007199254740993}', { order: 9007199254740993n }],
    ["D4 2^53+1 as a string", '{"name":"v","order":"9007199254740993"}', { order: 9007199254740993n }],
    ["I12 2^63-1", '{"name":"v","order":9223372036854775807}', { order: 2n ** 63n - 1n }],
    ["I12 -2^63", '{"name":"v","order":-9223372036854775808}', { order: -(2n ** 63n) }],
    ["D15 fields named order and group", '{"name":"v","order":1,"group":2}', { order: 1n, group: 2n }],
    ["true for an integer", '{"name":"v","order":true}', { order: 1n }],
    ["1.0 and 1e2 for integers", '{"name":"v","order":1.0,"group":1e2}', { order: 1n, group: 100n }],
    ["a string of 191 emoji", `{"name":"v","note":"${"😀".repeat(191)}"}`, { note: "😀".repeat(191) }],
    ["D5 NUL in a text", '{"name":"v","note":"a\\u0000b"}', { note: "a\u0000b" }],
    [
      "quotes and backslashes",
      `{"name":"v","note":"'; DROP TABLE x; --\\\\\\""}`,
      { note: `'; DROP TABLE x; --\\"` },
    ],
    ["a field name in upper case", '{"NAME":"v","Order":5}', { order: 5n }],
    ["an upsert with fields left out", '{"name":"v"}', { order: null, note: null }],
  ];
  for (const [name, values, expected] of stored) {
    test(`${name} is stored exactly`, async () => {
      const answer = await app.call(send(row(values)));
      expect([answer.status, answer.code]).toEqual([200, null]);
      expect(app.rows("SELECT * FROM shop___item WHERE name = 'v'")).toMatchObject([expected]);
    });
  }

  test("D5 a key holding NUL and an emoji is found again: writing it twice leaves one row, deleting it none", async () => {
    const values = { name: "k\u0000😀" };
    for (const mutation of [
      { table: "item", values },
      { table: "item", values },
    ]) {
      expect((await app.mutate({ mutations: [mutation] })).status).toBe(200);
      expect(app.rows("SELECT count(*) AS n FROM shop___item WHERE name LIKE 'k%'")).toEqual([{ n: 1n }]);
    }
    await app.mutate({ mutations: [{ table: "item", delete: true, values }] });
    expect(app.rows("SELECT count(*) AS n FROM shop___item WHERE name LIKE 'k%'")).toEqual([{ n: 0n }]);
  });

  test("of duplicate keys in a batch the last one stands", async () => {
    const item = (order: number) => ({ table: "item", values: { name: "twice", order } });
    expect((await app.mutate({ mutations: [item(1), item(2), item(3)] })).status).toBe(200);
    expect(app.rows("SELECT * FROM shop___item WHERE name = 'twice'")).toMatchObject([{ order: 3n }]);
  });
});

describe("batches", () => {
  const counter = (id: number) => ({ table: "counter", values: { id } });
  const batch = (length: number) =>
    JSON.stringify({ mutations: Array.from({ length }, (_, id) => counter(id)) });

  test("101 mutations are refused, 100 are taken", async () => {
    await expectRefused(send(batch(101)), { status: 413, code: "too_many_mutations" });
    expect((await app.call(send(batch(100)))).status).toBe(200);
  });

  test("an unknown table in the middle is named by its index", async () => {
    const body = JSON.stringify({ mutations: [counter(1), { table: "nothere", values: {} }, counter(2)] });
    await expectRefused(send(body), { status: 404, code: "unknown_table", index: 1 });
  });

  for (const [name, mutation] of [
    ["no table", '{"values":{"id":1}}'],
    ["no values", '{"table":"counter"}'],
    ["null values", '{"table":"counter","values":null}'],
    ["a table that is a number", '{"table":1,"values":{"id":1}}'],
    ["delete that is a word", '{"table":"counter","delete":"yes","values":{"id":1}}'],
    ["an unknown member", '{"table":"counter","family":"other","values":{"id":1}}'],
  ] as const) {
    test(`a mutation with ${name} is refused`, async () => {
      await expectRefused(send(`{"mutations":[${mutation}]}`), { ...MALFORMED, index: 0 });
    });
  }

  test("a body of more than 1 MiB is refused, declared or not", async () => {
    const note = "x".repeat(1024 * 1024);
    await expectRefused(send(row(`{"name":"x","note":"${note}"}`)), {
      status: 413,
      code: "request_too_large",
    });
    const declared = { ...send("{}"), headers: { ...WRITER, "content-length": "1048577" } };
    await expectRefused(declared, { status: 413, code: "request_too_large" });
  });

  test("a statement of more than 768 KiB is refused", async () => {
    const bytes = Buffer.alloc(390 * 1024).toString("base64");
    await expectRefused(send(row(`{"name":"x","picture":"${bytes}"}`)), {
      status: 413,
      code: "statement_too_large",
      index: 1,
    });
  });
});
