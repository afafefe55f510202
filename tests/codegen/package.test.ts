/** A generated module with the packed reader: the strictest compiler takes it, and Bun and Node run it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tablesOfFile } from "../../cli/codegen-tables.ts";
import { typedReaderModule } from "../../codegen/module.ts";
import { shortSchemaFingerprint } from "../../core/digest/schema-fingerprint.ts";
import { bunEnvironment } from "../reader/bun-environment.ts";
import { SampleFolder } from "../reader/suite/sample-ldb.ts";
import { type InstalledReader, installReader, ROOT, runtimeBinary } from "../runtimes/reader-package.ts";
import { runProcess } from "../support/process.ts";
import { SCHEMA } from "./fixture/typed-reader.ts";

const FETCH_LIMIT_MS = 15 * 60_000;

/** Prints a row, the code of what is wrong with an LDB, and each difference on a line. */
const PROGRAM = `
import { CtlstoreError } from "ctlstore-reader";
import { openTypedReader } from "./fixture/typed-reader.ts";

try {
  const reader = openTypedReader({ path: process.argv[2] ?? "" });
  const row = reader.getRowByKey("shop", "items", "a");
  console.log(JSON.stringify({ price: row?.price, stock: row?.stock }));
} catch (error) {
  if (!(error instanceof CtlstoreError)) throw error;
  console.log(error.code + ": " + error.message);
}
`;

let reader: InstalledReader;

beforeAll(async () => {
  reader = await installReader();
  const { folder } = reader;
  mkdirSync(folder.file("fixture"));
  mkdirSync(folder.file("types"));
  const schema = join(import.meta.dir, "fixture", "schema.json");
  const tables = await tablesOfFile(schema, { families: [], tables: [] });
  const module = typedReaderModule(tables, {
    integers: "number",
    readerModule: "ctlstore-reader",
    command: "ctlstore codegen",
  });
  writeFileSync(folder.file("fixture", "typed-reader.ts"), module);
  const types = readFileSync(join(import.meta.dir, "types", "typed-reader.types.ts"), "utf8");
  writeFileSync(folder.file("types", "typed-reader.types.ts"), types);
  writeFileSync(folder.file("program.ts"), PROGRAM);
  writeFileSync(
    folder.file("package.json"),
    '{ "type": "module", "dependencies": { "ctlstore-reader": "*" } }',
  );
}, 120_000);

afterAll(() => reader[Symbol.dispose]());

test("the packed reader's types allow and refuse what they should of a generated module when the compiler is at its strictest", async () => {
  const config = {
    compilerOptions: {
      target: "ES2022",
      lib: ["ES2022", "ESNext.Disposable", "DOM"],
      module: "NodeNext",
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      isolatedModules: true,
      verbatimModuleSyntax: true,
      erasableSyntaxOnly: true,
      allowImportingTsExtensions: true,
      noEmit: true,
      skipLibCheck: false,
      types: [],
    },
    files: ["types/typed-reader.types.ts"],
  };
  writeFileSync(reader.folder.file("tsconfig.json"), JSON.stringify(config));
  const exit = await runProcess([join(ROOT, "node_modules", ".bin", "tsc"), "-p", reader.folder.path]);
  expect(exit.stdout).toBe("");
  expect(exit.code).toBe(0);
});

test("a module's fingerprint is that of the tables it was made for, as a reader finds them in an LDB", () => {
  using folder = new SampleFolder(bunEnvironment);
  const ldb = folder.ldb();
  for (const statement of FIXTURE_TABLES) ldb.changeSchema(statement);
  const reads = folder.reader();
  const found = reads.tables().map(({ family, table }) => reads.tableSchema(family, table));
  expect(shortSchemaFingerprint(found)).toBe(SCHEMA.fingerprint);
  ldb.changeSchema("ALTER TABLE abc___def_ghi ADD COLUMN later TEXT");
  const later = reads.tables().map(({ family, table }) => reads.tableSchema(family, table));
  expect(shortSchemaFingerprint(later)).not.toBe(SCHEMA.fingerprint);
});

describe("a generated module", () => {
  for (const runtime of ["bun", "node24"]) {
    test(
      `reads what fits, and says at its start all that does not, on ${runtime}`,
      async () => {
        const binary = runtime === "bun" ? process.execPath : await runtimeBinary(runtime);
        const run = async (folder: SampleFolder) => {
          const exit = await runProcess([binary, reader.folder.file("program.ts"), folder.path], {
            cwd: reader.folder.path,
          });
          expect(exit.code, exit.stderr).toBe(0);
          return exit.stdout;
        };
        using folder = new SampleFolder(bunEnvironment);
        const ldb = folder.ldb();
        expect(await run(folder)).toStartWith("ldb_empty: ");
        for (const statement of FIXTURE_TABLES) ldb.changeSchema(statement);
        ldb.apply("INSERT INTO shop___items (id, price, stock) VALUES('a', 1.5, 7)");
        expect(await run(folder)).toBe('{"price":1.5,"stock":7}\n');
        ldb.changeSchema("DROP TABLE shop___items; ALTER TABLE abc_def___ghi DROP COLUMN a");
        const said = await run(folder);
        expect(said).toStartWith("schema_mismatch: ");
        expect(said).toContain("table shop/items is missing");
        expect(said).toContain('abc_def/ghi has no field "a" (string)');
      },
      FETCH_LIMIT_MS,
    );
  }
});

const FIXTURE_TABLES = [
  'CREATE TABLE abc___def_ghi ("id" INTEGER, PRIMARY KEY("id"))',
  'CREATE TABLE abc_def___ghi ("id" INTEGER, "a" VARCHAR(191), PRIMARY KEY("id"))',
  `CREATE TABLE constructor___prototype ("constructor" VARCHAR(191), "default" INTEGER, "string" TEXT, "key" BLOB(255),
    "row" INTEGER, "has_own_property" TEXT, PRIMARY KEY("constructor"))`,
  `CREATE TABLE shop___items ("id" VARCHAR(191), "label" TEXT, "price" REAL, "stock" INTEGER, "image" BLOB,
    "ean" BLOB(255), PRIMARY KEY("id"))`,
  `CREATE TABLE shop___order_lines ("label" TEXT, "group" VARCHAR(191), "order" INTEGER, "digest" BLOB(255),
    "class" VARCHAR(191), "function" REAL, PRIMARY KEY("order","group","digest"))`,
];
