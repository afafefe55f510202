/**
 * Random changes of tables under a typed reader that stays open: after each, every table is readable exactly when it is
 * what the program was built for, which a reader that is opened anew says too.
 */
import { expect, test } from "bun:test";
import { isCtlstoreError } from "../../core/errors.ts";
import { FIELD_TYPES, type FieldType, TYPE_FACTS } from "../../core/field-types.ts";
import { openCheckedReader, type SchemaDefinition, type TypedTables } from "../../reader/index.ts";
import { runsOf, seededRandom, suiteSeed } from "../support/suite.ts";
import { bunEnvironment } from "./bun-environment.ts";
import { SampleFolder } from "./suite/sample-ldb.ts";

const TABLES = ["aaa", "bbb", "ccc"] as const;
const EXPECTED = { id: "string", value: "integer" } as const;

const SCHEMA: SchemaDefinition = {
  fingerprint: "0".repeat(32),
  integers: "number",
  tables: TABLES.map((table) => ({ family: "fam", table, fields: EXPECTED, keyFields: ["id"] })),
};

interface Shape {
  readonly fields: ReadonlyArray<readonly [name: string, type: FieldType]>;
  readonly key: string;
}

const FITTING: Shape = { fields: Object.entries(EXPECTED), key: "id" };

function fits(shape: Shape | undefined): boolean {
  const types = new Map(shape?.fields);
  return shape?.key === "id" && types.get("id") === "string" && types.get("value") === "integer";
}

function createSql(table: string, { fields, key }: Shape): string {
  const columns = fields.map(([name, type]) => `"${name}" ${TYPE_FACTS[type].sqlite}`);
  return `CREATE TABLE fam___${table} (${columns.join(", ")}, PRIMARY KEY("${key}"))`;
}

/** About every second one fits, in one order of fields or the other, with one more field or without. */
function randomShape(random: () => number): Shape {
  const anyType = () => FIELD_TYPES[Math.floor(random() * FIELD_TYPES.length)] ?? "text";
  const fields: [string, FieldType][] = [
    ["id", random() < 0.8 ? "string" : "bytestring"],
    ["value", random() < 0.8 ? "integer" : anyType()],
  ];
  if (random() < 0.1) fields.pop();
  if (random() < 0.5) fields.splice(Math.floor(random() * 3), 0, ["more", anyType()]);
  const key = random() < 0.1 ? (fields.at(-1)?.[0] ?? "id") : "id";
  return { fields, key };
}

function codeOf(run: () => unknown): string {
  try {
    run();
    return "fine";
  } catch (error) {
    if (!isCtlstoreError(error)) throw error;
    return error.code;
  }
}

test("a typed reader reads each table exactly when it fits, through any changes of tables and flips", () => {
  const seed = suiteSeed();
  const random = seededRandom(seed);
  using folder = new SampleFolder(bunEnvironment);
  const actual = new Map<string, Shape>(TABLES.map((table) => [table, FITTING]));
  let generation = 1;
  const make = () => {
    const ldb = folder.generation(String(generation));
    for (const [table, shape] of actual) ldb.changeSchema(createSql(table, shape));
    ldb.moveTo(generation * 1_000);
    folder.flipTo(String(generation));
    return ldb;
  };
  let ldb = make();
  const options = { path: folder.path, onWarning: () => {} };
  using reader = openCheckedReader<TypedTables>(SCHEMA, options);
  for (let step = 0; step < runsOf({ quick: 300, deep: 3_000 }); step++) {
    const table = TABLES[Math.floor(random() * TABLES.length)] ?? "aaa";
    const shape = random() < 0.15 ? null : randomShape(random);
    if (shape === null) actual.delete(table);
    else actual.set(table, shape);
    if (random() < 0.05) {
      generation += 1;
      const old = ldb;
      ldb = make();
      old.supersede();
      old.close();
    } else {
      const create = shape === null ? "" : `; ${createSql(table, shape)}`;
      ldb.changeSchema(`DROP TABLE IF EXISTS fam___${table}${create}`);
    }
    const context = `seed ${seed}, step ${step}`;
    // Not all of them each time: what is cached may be several changes old.
    for (const one of TABLES.filter(() => random() < 0.6)) {
      const expected = fits(actual.get(one)) ? "fine" : "schema_mismatch";
      const reads = [
        () => reader.getRowByKey("fam", one, "a"),
        () => reader.getRows("fam", one, [["a"]]),
        () => reader.getRowsByKeyPrefix("fam", one),
        () => reader.snapshot((inner) => inner.getRowByKey("fam", one, "a")),
      ];
      const read = reads[Math.floor(random() * reads.length)] ?? (() => {});
      expect(codeOf(read), `${context}, ${one}`).toBe(expected);
    }
    const all = TABLES.every((one) => fits(actual.get(one)));
    const again = codeOf(() => openCheckedReader<TypedTables>(SCHEMA, options).close());
    expect(again, context).toBe(all ? "fine" : "schema_mismatch");
  }
});
