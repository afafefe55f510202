/** The ledger's language: statements, one at a time, links of the chain, timestamps, sequences. */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { hashFromHex, hashToHex, nextLink, sameHash, ZERO_HASH } from "../../core/ledger/chain.ts";
import { isSingleStatement } from "../../core/ledger/single-statement.ts";
import {
  addFieldStatement,
  BEGIN_MARKER,
  COMMIT_MARKER,
  changesSchema,
  clearTableStatement,
  createTableStatement,
  deleteStatement,
  describeStatement,
  dropTableStatement,
  upsertStatement,
} from "../../core/ledger/statements.ts";
import { formatLastUpdate, formatLeaderTimestamp, parseTimestampUs } from "../../core/ledger/timestamps.ts";
import { parseTableSchema } from "../../core/schema.ts";
import { nextSequence, SEQUENCE_ZERO, sequenceToJson, toSequence } from "../../core/sequence.ts";
import { suiteSeed } from "../support/suite.ts";

const SCHEMA = parseTableSchema("fam", "tbl", {
  fields: [
    ["v", "decimal"],
    ["k2", "integer"],
    ["k1", "string"],
    ["t", "text"],
    ["b", "binary"],
    ["bs", "bytestring"],
  ],
  keyFields: ["k1", "k2"],
});

describe("ledger statements", () => {
  const statements = {
    create: createTableStatement(SCHEMA),
    alter: addFieldStatement(SCHEMA.family, SCHEMA.table, { name: "order" as never, type: "bytestring" }),
    upsert: upsertStatement(SCHEMA, [1.5, -2n, "it's", null, new Uint8Array([0, 255]), new Uint8Array()]),
    delete: deleteStatement(SCHEMA, ["a\u0000", 5n]),
    clear: clearTableStatement(SCHEMA.family, SCHEMA.table),
    drop: dropTableStatement(SCHEMA.family, SCHEMA.table),
  } as const;

  test("have the original's forms, to the letter", () => {
    expect(statements).toEqual({
      create:
        'CREATE TABLE fam___tbl ("v" REAL, "k2" INTEGER, "k1" VARCHAR(191), "t" TEXT, "b" BLOB, "bs" BLOB(255), PRIMARY KEY("k1","k2"));',
      alter: 'ALTER TABLE fam___tbl ADD COLUMN "order" BLOB(255)',
      upsert: `REPLACE INTO fam___tbl ("v","k2","k1","t","b","bs") VALUES(1.5,-2,'it''s',NULL,x'00ff',x'')`,
      delete: `DELETE FROM fam___tbl WHERE "k1" = CAST(x'6100' AS CHAR) AND "k2" = 5`,
      clear: "DELETE FROM fam___tbl",
      drop: "DROP TABLE IF EXISTS fam___tbl",
    });
    expect([BEGIN_MARKER, COMMIT_MARKER]).toEqual(["--- BEGIN", "--- COMMIT"]);
  });

  test("run on SQLite in this order, and each is one statement (I7)", () => {
    const db = new Database(":memory:");
    for (const sql of Object.values(statements)) {
      expect(isSingleStatement(sql)).toBeTrue();
      db.run(sql);
    }
    db.close();
  });

  test("are told apart, with their table, and by whether they change tables", () => {
    for (const [kind, sql] of Object.entries(statements)) {
      expect(describeStatement(sql)).toEqual({ kind, table: "fam___tbl" } as never);
      expect(changesSchema(sql)).toBe(["create", "alter", "drop"].includes(kind));
    }
    expect(describeStatement(BEGIN_MARKER)).toEqual({ kind: "begin", table: null });
    expect(describeStatement(COMMIT_MARKER)).toEqual({ kind: "commit", table: null });
    for (const other of [
      "",
      "VACUUM",
      "INSERT INTO fam___tbl VALUES(1)",
      "--- BEGIN ",
      "replace into x (a)",
    ]) {
      expect(describeStatement(other)).toEqual({ kind: "other", table: null });
    }
    expect(changesSchema("create index x on y(z)")).toBeTrue();
  });
});

describe("a ledger entry (I7)", () => {
  test.each([
    "SELECT 1",
    "SELECT 1;",
    "SELECT 1 ;\n\t ",
    "SELECT ';'",
    "SELECT 'it''s; fine' ;",
    'SELECT ";" AS "a;b"',
    "SELECT `;`",
    "SELECT [;]",
    "SELECT 1 -- ; no\n",
    "SELECT 1 /* ; no */",
    "/* first */ SELECT 1",
    "-- first\nSELECT 1;",
    "REPLACE INTO a (b) VALUES('''');",
  ])("is one statement: %j", (sql) => expect(isSingleStatement(sql)).toBeTrue());

  test.each([
    "",
    " ",
    ";",
    " ;",
    ";;",
    "-- only a comment",
    "/* only a comment */",
    "-- comment;\n;",
    "SELECT 1; SELECT 2",
    "SELECT 1;;",
    "SELECT 1; -- tail",
    "SELECT ''';'; DROP TABLE a",
    "SELECT '\\'; DROP TABLE a; --'",
    "DELETE FROM a WHERE b = 'x'; DROP TABLE c",
    "SELECT 1;\u00a0",
    "SELECT 1\u0000; DROP TABLE a",
    "DELETE FROM a\u0000 WHERE b = 1",
  ])("is not one statement: %j", (sql) => expect(isSingleStatement(sql)).toBeFalse());

  test("is one statement with any text as a literal, and none with a second statement after it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 30 }), (text) => {
        const literal = `'${text.replaceAll("\u0000", "").replaceAll("'", "''")}'`;
        const sql = `DELETE FROM a WHERE b = ${literal}`;
        expect(isSingleStatement(sql)).toBeTrue();
        expect(isSingleStatement(`${sql};`)).toBeTrue();
        expect(isSingleStatement(`${sql};DROP TABLE c`)).toBeFalse();
      }),
      { seed: suiteSeed(), numRuns: 1_000 },
    );
  });
});

describe("the chain (I14)", () => {
  const entry = {
    sequence: toSequence(1),
    timestampUs: 1_700_000_000_123_456,
    statement: "DELETE FROM fam___tbl",
  };

  /** The definition, written down once more without any of the shortcuts. */
  function definition(previous: Uint8Array, { sequence, timestampUs, statement }: typeof entry): string {
    const numbers = Buffer.alloc(16);
    numbers.writeBigUInt64BE(sequence, 0);
    numbers.writeBigUInt64BE(BigInt(timestampUs), 8);
    return createHash("sha256").update(previous).update(numbers).update(statement, "utf8").digest("hex");
  }

  test("gives the known link when the entry is the known one", () => {
    expect(hashToHex(nextLink(ZERO_HASH, entry))).toBe(definition(ZERO_HASH, entry));
    // Computed by hand with Python's hashlib and struct.
    expect(hashToHex(nextLink(ZERO_HASH, entry))).toBe(
      "024ab09c5264f58684871081838be9025a0681ae176519496f3336035a81aae7",
    );
  });

  test("follows its definition when statements are long, empty, or not ASCII", () => {
    let previous: Uint8Array = ZERO_HASH;
    const statements = ["", "ä€😀", "x".repeat(200_000), "€".repeat(100_000), "'\u0000'", "short again"];
    for (const [i, statement] of statements.entries()) {
      const next = {
        sequence: toSequence(2n ** 53n + BigInt(i)),
        timestampUs: Number.MAX_SAFE_INTEGER - i,
        statement,
      };
      const link = nextLink(previous, next);
      expect(hashToHex(link)).toBe(definition(previous, next));
      previous = link;
    }
  });

  test("is another when any part of the entry is another", () => {
    const other = {
      sequence: toSequence(2),
      timestampUs: 1_700_000_000_123_457,
      statement: "DELETE FROM fam___tbk",
    };
    const links = [
      nextLink(ZERO_HASH, entry),
      ...(Object.keys(other) as (keyof typeof other)[]).map((part) =>
        nextLink(ZERO_HASH, { ...entry, [part]: other[part] }),
      ),
      nextLink(
        Uint8Array.from(ZERO_HASH, (_, i) => (i === 31 ? 1 : 0)),
        entry,
      ),
    ].map(hashToHex);
    expect(new Set(links).size).toBe(5);
  });

  test("keeps each link apart from the next, and hex apart from nonsense", () => {
    const first = nextLink(ZERO_HASH, entry);
    const hex = hashToHex(first);
    nextLink(first, entry);
    expect(hashToHex(first)).toBe(hex);
    expect(sameHash(hashFromHex(hex), first)).toBeTrue();
    expect(sameHash(first, first.subarray(1))).toBeFalse();
    expect(sameHash(first, ZERO_HASH)).toBeFalse();
    for (const bad of ["", "ab", `${hex}00`, `g${hex.slice(1)}`])
      expect(() => hashFromHex(bad)).toThrow(RangeError);
  });
});

describe("timestamps (D21)", () => {
  test("are written as the original reads them, in UTC", () => {
    const us = Date.parse("2026-11-22T10:57:56.999Z") * 1000 + 999;
    expect(formatLeaderTimestamp(us)).toBe("2026-11-22 10:57:56");
    expect(formatLastUpdate(us)).toBe("2026-11-22 10:57:56+00:00");
  });

  test("are read back from either form, and are null when they are none", () => {
    const us = Date.parse("2026-11-22T10:57:56Z") * 1000;
    for (const text of ["2026-11-22 10:57:56", "2026-11-22T10:57:56Z", "2026-11-22 10:57:56+00:00"]) {
      expect(parseTimestampUs(text)).toBe(us);
    }
    expect(parseTimestampUs("2026-11-22 10:57:56.000001")).toBe(us + 1);
    for (const text of [
      "",
      "null",
      "0000-00-00 00:00:00",
      "2026-13-01 00:00:00",
      "2026-11-22",
      "2026-11-22 10:57:56+01:00",
    ]) {
      expect(parseTimestampUs(text)).toBeNull();
    }
  });
});

describe("sequences (R9)", () => {
  test("are exact beyond 2^31 and 2^53, in JSON too", () => {
    expect(nextSequence(toSequence("9007199254740993"))).toBe(9007199254740994n as never);
    expect(sequenceToJson(2n ** 31n)).toBe(2147483648);
    expect(sequenceToJson(2n ** 53n - 1n)).toBe(9007199254740991);
    expect(sequenceToJson(2n ** 53n)).toBe("9007199254740992");
    expect(toSequence(0)).toBe(SEQUENCE_ZERO);
    expect(toSequence(2n ** 63n - 1n)).toBe((2n ** 63n - 1n) as never);
  });

  test("refuse what is none", () => {
    for (const bad of [
      -1,
      1.5,
      2 ** 53,
      Number.NaN,
      -1n,
      2n ** 63n,
      "",
      "-1",
      "1.0",
      " 1",
      "1e3",
      "9".repeat(20),
    ]) {
      expect(() => toSequence(bad)).toThrow(RangeError);
    }
  });
});
