/** `?dry-run=true`: shows what a change of tables would do and why it would be refused, and changes nothing. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { SCHEMA_LIMITS } from "../../core/limits.ts";
import type { PreviewAnswer } from "../../core/wire/preview.ts";
import { DRY_RUN_ROUTES } from "../../server/dry-run-routes.ts";
import { type Answer, type Call, openTestApp, type TestApp } from "./test-app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await openTestApp({ destructiveSchemaChanges: true });
});
afterAll(() => app[Symbol.asyncDispose]());

/** All that the ctldb holds. */
function stored(of: TestApp): unknown {
  const tables = of.rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
  return (tables as { name: string }[]).map(({ name }) => [name, of.rows(`SELECT * FROM "${name}"`)]);
}

/** The call's answer, having made sure that nothing changed. */
async function unchanged(call: Call, of: TestApp = app): Promise<Answer> {
  const before = stored(of);
  const answer = await of.call(call);
  expect(stored(of)).toEqual(before);
  return answer;
}

async function preview(call: Call, of: TestApp = app): Promise<PreviewAnswer> {
  const answer = await unchanged({ ...call, path: `${call.path}?dry-run=true` }, of);
  expect([answer.status, answer.text]).toEqual([200, answer.text]);
  const json = answer.json as PreviewAnswer;
  expect([json.dryRun, json.possible]).toEqual([true, json.conflicts.length === 0]);
  return json;
}

const codes = ({ conflicts }: PreviewAnswer) => conflicts.map(({ code }) => code);
const FIELDS = [
  ["id", "integer"],
  ["note", "text"],
];
const table = (name: string, more: object = {}) => ({
  family: "shop",
  name,
  fields: FIELDS,
  keyFields: ["id"],
  ...more,
});
const body = (value: unknown) => JSON.stringify(value);

/** One call of each route, which would be made. */
const CALLS: readonly Call[] = [
  { method: "POST", path: "/families/fresh" },
  {
    method: "POST",
    path: "/families/shop/tables/fresh",
    body: body({ fields: FIELDS, keyFields: ["id"] }),
  },
  { method: "PUT", path: "/families/shop/tables/counter", body: body({ fields: [["more", "text"]] }) },
  { method: "DELETE", path: "/families/shop/tables/counter" },
  { method: "POST", path: "/tables", body: body([table("fresh_a"), table("fresh_b")]) },
  { method: "DELETE", path: "/clear-rows/families/shop" },
  { method: "DELETE", path: "/clear-rows/families/shop/tables/counter" },
];

describe("a dry run", () => {
  test("is known to exactly the routes that say so in the document, and each is tried here", async () => {
    const { json } = await app.call({ method: "GET", path: "/openapi/json", headers: {} });
    const { paths } = json as { paths: Record<string, Record<string, { parameters?: { name: string }[] }>> };
    const documented = Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations)
        .filter(([, { parameters = [] }]) => parameters.some(({ name }) => name === "dry-run"))
        .map(([method]) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ":$1")}`),
    );
    expect(documented.toSorted()).toEqual([...DRY_RUN_ROUTES].toSorted());
    expect(CALLS).toHaveLength(DRY_RUN_ROUTES.size);
  });

  for (const call of CALLS) {
    test(`of ${call.method} ${call.path} changes nothing, and the change is then made with those statements`, async () => {
      await using own = await openTestApp({ destructiveSchemaChanges: true });
      await own.mutate({ mutations: [{ table: "counter", values: { id: 1 } }] });
      const shown = await preview(call, own);
      expect(shown.conflicts).toEqual([]);
      const before = await own.headSequence();
      const made = await own.call({ ...call, path: `${call.path}?dry-run=false` });
      expect([made.status, made.text]).toEqual([200, expect.not.stringContaining("dryRun")] as never);
      const entries = own.rows(
        `SELECT statement FROM ctlstore_dml_ledger WHERE seq > ${before} AND statement NOT LIKE '---%' ORDER BY seq`,
      ) as { statement: string }[];
      expect(shown.tables.flatMap(({ ledgerStatements }) => ledgerStatements)).toEqual(
        entries.map(({ statement }) => statement),
      );
    });
  }

  test("tells rows, bytes, cost, readers and writers of what would be dropped", async () => {
    await using own = await openTestApp();
    await own.mutate({ mutations: [1, 2, 3].map((id) => ({ table: "counter", values: { id } })) });
    const reader = "/families/shop/tables/counter/readers/checkout";
    await own.call({ method: "PUT", path: reader, body: body({ contact: "#checkout" }) });
    const { tables } = await preview({ method: "DELETE", path: "/families/SHOP/tables/Counter" }, own);
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(tables).toEqual([
      {
        family: "shop",
        table: "counter",
        ledgerStatements: ["DROP TABLE IF EXISTS shop___counter"],
        ctldbStatements: ["DROP TABLE IF EXISTS shop___counter"],
        cost: "rows",
        rows: 3,
        rowsEstimated: false,
        bytes: expect.any(Number),
        readers: [{ reader: "checkout", contact: "#checkout", declaredAt: time, declaredBy: "admin-token" }],
        writers: [{ writer: "importer", lastAt: time }],
      },
    ] as never);
  });

  test("needs no destructive schema changes, and says first that they are switched off", async () => {
    await using own = await openTestApp();
    for (const call of CALLS.filter(({ method }) => method === "DELETE")) {
      const shown = await preview(call, own);
      expect([codes(shown), shown.tables.length > 0]).toEqual([["not_granted"], true]);
      expect(shown.conflicts[0]?.hint).toContain("--destructive-schema-changes");
      expect((await unchanged(call, own)).status).toBe(403);
    }
    const lost = await preview({ method: "DELETE", path: "/families/nothere/tables/1bad" }, own);
    expect(codes(lost)).toEqual(["not_granted", "invalid_name"]);
  });

  test("tells every reason against a definition, not only the first", async () => {
    const bad = {
      fields: [
        ["a", "no"],
        ["b!", "text"],
        ["c", "string"],
        ["C", "string"],
        ["d", "text"],
      ],
      keyFields: ["d"],
    };
    const one = await preview({ method: "POST", path: "/families/x/tables/1bad", body: body(bad) });
    expect(codes(one)).toEqual([
      "invalid_name",
      "invalid_name",
      "invalid_schema",
      "invalid_name",
      "invalid_schema",
    ]);
    const key = { fields: [["d", "text"]], keyFields: ["d"] };
    const call = { method: "POST", path: "/families/shop/tables/fresh", body: body(key) };
    expect(codes(await preview(call))).toEqual(["invalid_schema"]);
    const long = `/families/shop/tables/${"t".repeat(50)}`;
    expect(codes(await preview({ ...call, path: long.replace("shop", "f".repeat(30)) }))).toEqual([
      "invalid_schema",
      "invalid_schema",
    ]);
    // The change itself is told the first of them.
    const refused = await unchanged({ method: "POST", path: "/families/x/tables/1bad", body: body(bad) });
    expect(refused.code).toBe("invalid_name");
  });

  test("of several tables tells of each by its place, and shows those that are right", async () => {
    const tables = [
      table("fresh_a"),
      table("x"),
      table("counter"),
      table("fresh_b", { fields: [["id", "no"]] }),
      table("fresh_c", { family: "nothere" }),
    ];
    const shown = await preview({ method: "POST", path: "/tables", body: body(tables) });
    expect(shown.conflicts.map(({ code, index }) => [code, index])).toEqual([
      ["invalid_name", 1],
      ["invalid_schema", 3],
      ["table_exists", undefined],
      ["unknown_family", undefined],
    ]);
    expect(shown.tables.map((each) => each.table)).toEqual(["fresh_a"]);
    expect((await preview({ method: "POST", path: "/tables", body: "[]" })).tables).toEqual([]);
  });

  test("tells of fields that are there, that SQLite refuses and that are none, all of them", async () => {
    const put = (fields: unknown) =>
      preview({ method: "PUT", path: "/families/shop/tables/counter", body: body({ fields }) });
    expect(
      codes(
        await put([
          ["label", "text"],
          ["rowid", "text"],
          ["more", "text"],
        ]),
      ),
    ).toEqual(["field_exists", "invalid_schema"]);
    expect(
      codes(
        await put([
          ["a!", "text"],
          ["more", "no"],
          ["more", "no"],
        ]),
      ),
    ).toEqual(["invalid_name", "invalid_schema", "invalid_schema"]);
    const gone = await preview({
      method: "PUT",
      path: "/families/shop/tables/nothere",
      body: body({ fields: [["a!", "text"]] }),
    });
    expect(codes(gone)).toEqual(["invalid_name"]);
    const many = Array.from({ length: 300 }, (_, i) => [`no ${i}`, "text"]);
    expect((await put(many)).conflicts).toHaveLength(100);
  });

  test("tells what the bounds of a schema refuse", async () => {
    await using own = await openTestApp();
    const { tablesPerFamily } = SCHEMA_LIMITS;
    const tables = Array.from({ length: tablesPerFamily - 1 }, (_, i) => table(`made_${i}`));
    const call = { method: "POST", path: "/tables", body: body(tables) };
    expect(codes(await preview(call, own))).toEqual(["schema_too_large"]);
    const refused = await unchanged(call, own);
    expect([refused.status, refused.code]).toEqual([422, "schema_too_large"]);
  });

  test("of a body that cannot be read is refused as the change is", async () => {
    for (const broken of ["", "{", "null", '{"fields":1,"keyFields":[]}', '{"fields":[],"more":1}']) {
      const call = { method: "POST", path: "/families/shop/tables/fresh?dry-run=true", body: broken };
      expect((await unchanged(call)).code).toBe("malformed_request");
    }
  });

  for (const call of CALLS) {
    test(`of ${call.method} ${call.path} is never guessed at: another value or parameter is refused`, async () => {
      for (const query of [
        "dry-run",
        "dry-run=",
        "dry-run=1",
        "dry-run=TRUE",
        "dry-run=yes",
        "dry-run=true%20",
        "dry-run=true%00",
        "dry-run=%F0%9F%98%80",
        "dry-run=true&dry-run=false",
        "dry-run=false&dry-run=true",
        "dry-run[]=true",
        "dryrun=true",
        "dry_run=true",
        "dryRun=true",
        "Dry-Run=true",
        "dry-run=false&force=true",
      ]) {
        const answer = await unchanged({ ...call, path: `${call.path}?${query}` });
        expect([query, answer.status, answer.code]).toEqual([query, 400, "malformed_request"]);
      }
      const shown = await unchanged({ ...call, path: `${call.path}?dry%2Drun=true` });
      expect((shown.json as PreviewAnswer).dryRun).toBe(true);
    });
  }

  test("of any other route that changes something is refused, and nothing is changed", async () => {
    const others = app.app.routes.filter(
      ({ method, path }) => method !== "GET" && !DRY_RUN_ROUTES.has(`${method} ${path}`),
    );
    expect(others.length).toBeGreaterThan(8);
    for (const { method, path } of others) {
      const target = path.replace(":family", "shop").replace(":table", "item").replace(/:\w+/g, "importer");
      for (const query of ["dry-run=true", "dry%2drun=true", "a=b&dry-run"]) {
        const answer = await unchanged({ method, path: `${target}?${query}`, body: "{}" });
        expect([method, path, answer.status]).toEqual([method, path, 400]);
      }
    }
  });

  test("D22 needs the permission of the change itself", async () => {
    const tokens = new Map<string, string>();
    for (const role of ["read", "loader", "schema", "admin"]) {
      const made = await app.call({ method: "POST", path: `/operators/dry-${role}`, body: body({ role }) });
      tokens.set(role, (made.json as { token: string }).token);
    }
    for (const call of CALLS) {
      for (const [role, token] of tokens) {
        const headers = { authorization: `Bearer ${token}` };
        const answer = await unchanged({ ...call, path: `${call.path}?dry-run=true`, headers });
        const isAllowed = role === "admin" || (role === "schema" && call.method !== "DELETE");
        expect([call.path, role, answer.status]).toEqual([call.path, role, isAllowed ? 200 : 403]);
      }
      const nobody = await unchanged({ ...call, path: `${call.path}?dry-run=true`, headers: {} });
      expect(nobody.status).toBe(401);
    }
  });
});
