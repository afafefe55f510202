/** What is refused: with the right code, naming what is at fault, and changing nothing. */
import { describe, expect, test } from "bun:test";
import type { ErrorCode } from "../../../core/errors.ts";
import { NumberText } from "../../../core/exact-json.ts";
import { parseFamilyName, parseWriterName } from "../../../core/names.ts";
import type { CtlDb, WriteRequest } from "../../../ctldb/contract.ts";
import type { ConformanceTarget } from "../conformance.ts";
import {
  ALL_TYPES,
  COUNTS,
  count,
  expectConsistent,
  FAMILY,
  failureOf,
  openFilled,
  remove,
  request,
  stateOf,
  table,
  upsert,
} from "../fixture.ts";

const OTHER = parseFamilyName("other");

interface Case {
  readonly what: string;
  readonly request: WriteRequest;
  readonly code: ErrorCode;
  readonly index?: number;
  readonly field?: string;
}

const good = count("good", 1);
const bad = (values: Readonly<Record<string, unknown>>) => request([good, upsert("all_types", values)]);
const key = { k1: "a", k2: 1 };

const CASES: readonly Case[] = [
  {
    what: "the writer is unknown",
    request: request([good], { writer: parseWriterName("nobody") }),
    code: "bad_credentials",
  },
  { what: "the secret is wrong", request: request([good], { secret: "s3cr3t-2" }), code: "bad_credentials" },
  { what: "the secret is empty", request: request([good], { secret: "" }), code: "bad_credentials" },
  {
    what: "a bad batch comes with a wrong secret",
    request: request([count("a", "no number")], { secret: "s3cr3t-2" }),
    code: "bad_credentials",
  },
  { what: "the family is unknown", request: request([good], { family: OTHER }), code: "unknown_family" },
  {
    what: "a table is unknown",
    request: request([good, upsert("nothing", {})]),
    code: "unknown_table",
    index: 1,
  },
  {
    what: "a field is unknown",
    request: bad({ ...key, zzz: 1 }),
    code: "unknown_field",
    index: 1,
    field: "zzz",
  },
  {
    what: "a field of a delete is unknown",
    request: request([good, remove("all_types", { ...key, zzz: 1 })]),
    code: "unknown_field",
    index: 1,
    field: "zzz",
  },
  {
    what: "a key field is missing",
    request: bad({ k1: "a" }),
    code: "missing_key_field",
    index: 1,
    field: "k2",
  },
  {
    what: "a key field of a delete is missing",
    request: request([remove("all_types", { k2: 1 })]),
    code: "missing_key_field",
    index: 0,
    field: "k1",
  },
  {
    what: "a key field is null",
    request: bad({ k1: null, k2: 1 }),
    code: "invalid_value",
    index: 1,
    field: "k1",
  },
  {
    what: "D1 1.5 is sent for an integer key",
    request: bad({ k1: "a", k2: 1.5 }),
    code: "invalid_value",
    index: 1,
    field: "k2",
  },
  {
    what: "D2 text is sent for an integer",
    request: bad({ ...key, i: "abc" }),
    code: "invalid_value",
    index: 1,
    field: "i",
  },
  {
    what: "D2 192 characters are sent",
    request: bad({ ...key, s: "x".repeat(192) }),
    code: "invalid_value",
    index: 1,
    field: "s",
  },
  {
    what: "D4 2^63 is sent",
    request: bad({ ...key, i: "9223372036854775808" }),
    code: "invalid_value",
    index: 1,
    field: "i",
  },
  {
    what: "D4 an unsafe double is sent",
    request: bad({ ...key, i: 2 ** 53 }),
    code: "invalid_value",
    index: 1,
    field: "i",
  },
  {
    what: "D14 an array is sent",
    request: bad({ ...key, t: ["a"] }),
    code: "invalid_value",
    index: 1,
    field: "t",
  },
  {
    what: "D14 an object is sent",
    request: bad({ ...key, i: { a: 1 } }),
    code: "invalid_value",
    index: 1,
    field: "i",
  },
  {
    what: "NaN is sent",
    request: bad({ ...key, d: Number.NaN }),
    code: "invalid_value",
    index: 1,
    field: "d",
  },
  {
    what: "1e400 is sent",
    request: bad({ ...key, d: new NumberText("1e400") }),
    code: "invalid_value",
    index: 1,
    field: "d",
  },
  {
    what: "a boolean is sent for text",
    request: bad({ ...key, t: true }),
    code: "invalid_value",
    index: 1,
    field: "t",
  },
  {
    what: "a lone surrogate is sent",
    request: bad({ ...key, t: "a\ud800" }),
    code: "invalid_value",
    index: 1,
    field: "t",
  },
  {
    what: "bad base64 is sent",
    request: bad({ ...key, b: "a" }),
    code: "invalid_value",
    index: 1,
    field: "b",
  },
  {
    what: "a field is given twice",
    request: bad({ ...key, I: 1, i: 2 }),
    code: "malformed_request",
    index: 1,
    field: "i",
  },
  {
    what: "an inherited name is sent",
    request: bad({ ...key, constructor: 1 }),
    code: "unknown_field",
    index: 1,
  },
  {
    what: "a statement is too large",
    request: bad({ ...key, b: Buffer.alloc(512 * 1024, 1) }),
    code: "statement_too_large",
    index: 1,
  },
];

interface SchemaCase {
  readonly what: string;
  readonly run: (ctldb: CtlDb) => Promise<unknown>;
  readonly code: ErrorCode;
}

const FRESH = table("fresh", { fields: [["id", "string"]], keyFields: ["id"] });
const field = (name: string) => ({ name: name as never, type: "integer" as const });

const SCHEMA_CASES: readonly SchemaCase[] = [
  { what: "the family exists", run: (ctldb) => ctldb.createFamily(FAMILY), code: "family_exists" },
  { what: "a table exists", run: (ctldb) => ctldb.createTables([FRESH, COUNTS]), code: "table_exists" },
  {
    what: "a table is listed twice",
    run: (ctldb) => ctldb.createTables([FRESH, FRESH]),
    code: "table_exists",
  },
  {
    what: "one of several families is unknown",
    run: (ctldb) =>
      ctldb.createTables([FRESH, table("x_1", { fields: [["id", "string"]], keyFields: ["id"] }, OTHER)]),
    code: "unknown_family",
  },
  {
    what: "fields go to an unknown table",
    run: (ctldb) => ctldb.addFields(FAMILY, FRESH.table, [field("a")]),
    code: "unknown_table",
  },
  {
    what: "fields go to an unknown family",
    run: (ctldb) => ctldb.addFields(OTHER, FRESH.table, [field("a")]),
    code: "unknown_family",
  },
  {
    what: "a field exists",
    run: (ctldb) => ctldb.addFields(FAMILY, COUNTS.table, [field("new"), field("count")]),
    code: "field_exists",
  },
  {
    what: "fields become too many",
    run: (ctldb) =>
      ctldb.addFields(
        FAMILY,
        ALL_TYPES.table,
        Array.from({ length: 193 }, (_, i) => field(`f${i}`)),
      ),
    code: "invalid_schema",
  },
  {
    what: "an unknown table is dropped",
    run: (ctldb) => ctldb.dropTable(FAMILY, FRESH.table),
    code: "unknown_table",
  },
  {
    what: "a table of an unknown family is dropped",
    run: (ctldb) => ctldb.dropTable(OTHER, FRESH.table),
    code: "unknown_family",
  },
  {
    what: "an unknown table is cleared",
    run: (ctldb) => ctldb.clearRows(FAMILY, FRESH.table),
    code: "unknown_table",
  },
  {
    what: "an unknown family is cleared",
    run: (ctldb) => ctldb.clearRows(OTHER, null),
    code: "unknown_family",
  },
];

export function refusalTests(target: ConformanceTarget): void {
  describe("a refusal", () => {
    test("I3 changes nothing and says what is at fault when a write is wrong", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      await ctldb.write(request([count("before", 1)], { cookie: new Uint8Array([1, 2]) }));
      const before = await stateOf(url, ctldb);
      for (const { what, request: wrong, code, index, field } of CASES) {
        const error = await failureOf(ctldb.write({ ...wrong, cookie: new Uint8Array([9]) }));
        expect({ what, code: error.code, index: error.details.index }).toEqual({ what, code, index });
        if (field !== undefined) expect({ what, field: error.details.field }).toEqual({ what, field });
      }
      expect(await stateOf(url, ctldb)).toEqual(before);
      await ctldb.write(request([good]));
      await expectConsistent(url);
    });

    test("I3 changes nothing when a schema change is wrong", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const before = await stateOf(url, ctldb);
      for (const { what, run, code } of SCHEMA_CASES) {
        const error = await failureOf(run(ctldb));
        expect({ what, code: error.code }).toEqual({ what, code });
      }
      expect(await stateOf(url, ctldb)).toEqual(before);
      await ctldb.createTables([FRESH]);
      await expectConsistent(url);
    });

    test("says the limit and changes nothing when a statement is larger than the operator allows", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url, { limits: { statementBytes: 100 } });
      const error = await failureOf(ctldb.write(request([good, count("x".repeat(80))])));
      expect(error).toMatchObject({ code: "statement_too_large", details: { index: 1 } });
      expect(error.message).toContain("limit is 100");
      await ctldb.write(request([good]));
      expect((await expectConsistent(url)).rows["fam___counts"]?.rows).toEqual(['text "good"|integer 1']);
    });
  });
}
