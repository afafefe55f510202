/** I2: nothing reaches the ledger that SQLite would refuse, or store as something else than was meant. */
import { afterAll, describe, expect, test } from "bun:test";
import type { FamilyName } from "../../core/names.ts";
import { Catalog, parseTableSchema } from "../../core/schema.ts";
import { Proof } from "../../ctldb/proof.ts";
import type { RowOperation } from "../../ctldb/store.ts";

const schema = parseTableSchema("fam", "tbl", {
  fields: [
    ["id", "integer"],
    ["name", "string"],
    ["weight", "decimal"],
    ["raw", "binary"],
  ],
  keyFields: ["id"],
});
const named = parseTableSchema("fam", "named", { fields: [["name", "string"]], keyFields: ["name"] });
const catalog = new Catalog(1n, ["fam" as FamilyName], [schema, named]);

/** An operation whose statement is not what the values say: as a defect of ours in rendering would make it. */
function operation(statement: string): RowOperation {
  return { kind: "upsert", schema, values: [], statement };
}

const upsert = (...literals: string[]) =>
  operation(`REPLACE INTO fam___tbl ("id","name","weight","raw") VALUES(${literals.join(",")})`);

function thrownBy(task: () => void): unknown {
  try {
    task();
  } catch (error) {
    return error;
  }
  return null;
}

describe("I2 the proof", () => {
  const proof = new Proof();
  afterAll(() => proof[Symbol.dispose]());

  test("passes statements that SQLite stores as they are meant, and keeps nothing of them", () => {
    for (let round = 0; round < 2; round++) {
      proof.check([upsert("1", "'a'", "0.5", "x'00'"), upsert("2", "NULL", "NULL", "NULL")], catalog);
    }
    // Without REPLACE a row that had stayed would be in the way.
    proof.check([operation(`INSERT INTO fam___tbl ("id") VALUES(1)`)], catalog);
  });

  test.each([
    ["D1 a fraction in an integer key", upsert("1.5", "'a'", "NULL", "NULL")],
    // Of a key that is one integer SQLite makes a number of its own: null never gets as far as a statement.
    ["a null key", operation(`REPLACE INTO fam___named ("name") VALUES(NULL)`)],
    ["text in a decimal field", upsert("1", "'a'", "'heavy'", "NULL")],
    ["D5 bytes in a string field", upsert("1", "x'6100'", "NULL", "NULL")],
    ["text in a binary field", upsert("1", "'a'", "NULL", "'raw'")],
    ["a table that is not there", operation(`REPLACE INTO fam___other ("id") VALUES(1)`)],
    ["a field that is not there", operation(`REPLACE INTO fam___tbl ("id","gone") VALUES(1,2)`)],
    ["no SQL at all", operation("REPLACE INTO")],
  ])("refuses %s, naming its position", (_, bad) => {
    const error = thrownBy(() => proof.check([upsert("1", "'a'", "0.5", "NULL"), bad], catalog));
    expect(error).toMatchObject({ code: "invalid_value", details: { index: 1 } });
  });

  test("I7 refuses what became two statements", () => {
    const two = operation(`REPLACE INTO fam___tbl ("id") VALUES(1); DROP TABLE fam___tbl`);
    expect(thrownBy(() => proof.check([two], catalog))).toMatchObject({ code: "internal" });
  });

  test("refuses an added field that SQLite refuses, and follows the catalog when it changes", () => {
    const rowid = { name: "rowid", type: "integer" } as never;
    const change = { kind: "add-fields", schema, added: [rowid] } as const;
    expect(thrownBy(() => proof.checkSchema([change], catalog))).toMatchObject({ code: "invalid_schema" });
    const without = new Catalog(2n, ["fam" as FamilyName], []);
    expect(thrownBy(() => proof.check([upsert("1", "'a'", "0.5", "NULL")], without))).toMatchObject({
      code: "invalid_value",
    });
  });
});
