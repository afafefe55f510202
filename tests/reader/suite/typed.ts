/** Readers whose tables are compared with those that the program was built for: at open, and after each change. */
import assert from "node:assert/strict";
import type { LdbReader, SchemaDefinition, TypedReader, TypedReaderOptions } from "../../../reader/index.ts";
import type { SuiteEnvironment } from "./environment.ts";
import { rejectsCode, throwsCode } from "./expect.ts";
import { SampleFolder, type SampleLdb } from "./sample-ldb.ts";

const ITEMS =
  'CREATE TABLE shop___items ("id" VARCHAR(191), "price" REAL, "stock" INTEGER, PRIMARY KEY("id"))';
const LINES =
  'CREATE TABLE shop___lines ("no" INTEGER, "item" VARCHAR(191), "note" TEXT, PRIMARY KEY("no","item"))';

type Schema = {
  shop: {
    items: { row: { id: string; price: number | null; stock: number | null }; key: [id: string] };
    lines: {
      row: { no: number; item: string; note: string | null };
      key: [no: number | bigint, item: string];
    };
  };
};

const SCHEMA: SchemaDefinition = {
  // Of other tables: whatever it says, the tables are compared.
  fingerprint: "0".repeat(32),
  integers: "number",
  tables: [
    {
      family: "shop",
      table: "items",
      fields: { id: "string", price: "decimal", stock: "integer" },
      keyFields: ["id"],
    },
    {
      family: "shop",
      table: "lines",
      fields: { no: "integer", item: "string", note: "text" },
      keyFields: ["no", "item"],
    },
  ],
};

class Shop extends SampleFolder {
  readonly #environment: SuiteEnvironment;

  constructor(environment: SuiteEnvironment) {
    super(environment);
    this.#environment = environment;
  }

  /** A plain LDB with these tables. */
  made(...tables: readonly string[]): SampleLdb {
    const ldb = this.ldb();
    for (const table of tables) ldb.changeSchema(table);
    return ldb;
  }

  open(options: Partial<TypedReaderOptions<Schema>> = {}, schema = SCHEMA): TypedReader<Schema> {
    const { path } = this;
    const reader = this.#environment.openCheckedReader<Schema>(schema, {
      path,
      onWarning: () => {},
      ...options,
    });
    return this.track(reader);
  }

  async wait(timeoutMs: number, signal?: AbortSignal): Promise<TypedReader<Schema>> {
    const options = { path: this.path, onWarning: () => {} };
    const wait = { timeoutMs, ...(signal === undefined ? {} : { signal }) };
    return this.track(await this.#environment.waitForCheckedReader<Schema>(SCHEMA, options, wait));
  }
}

export function defineTypedTests(environment: SuiteEnvironment): void {
  defineOpeningTests(environment);
  defineChangeTests(environment);
  defineWaitTests(environment);
}

function defineOpeningTests(environment: SuiteEnvironment): void {
  const { test } = environment;

  test("typed reader reads when the LDB has its tables, and more than it knows", () => {
    using shop = new Shop(environment);
    const ldb = shop.made(LINES, 'CREATE TABLE shop___other ("id" INTEGER, PRIMARY KEY("id"))');
    ldb.changeSchema(ITEMS.replace('"stock" INTEGER', '"added" TEXT, "stock" INTEGER, "later" BLOB'));
    ldb.apply("INSERT INTO shop___items VALUES('a', 1.5, 'x', 7, NULL)");
    const reader = shop.open();
    assert.equal(reader.getRowByKey("shop", "items", "a")?.stock, 7);
    assert.deepEqual(reader.getRows("shop", "items", ["b"]), [null]);
    assert.equal(
      reader.snapshot((reads) => [...reads.getRowsByKeyPrefix("shop", "lines", 1)].length),
      0,
    );
  });

  test("typed reader names every difference at its start when tables are not what the program was built for", () => {
    using shop = new Shop(environment);
    shop.made('CREATE TABLE shop___lines ("no" VARCHAR(191), "item" VARCHAR(191), PRIMARY KEY("item","no"))');
    const { message } = throwsCode("schema_mismatch", () => shop.open());
    assert.match(message, /table shop\/items is missing/);
    assert.match(message, /shop\/lines has string for its field "no", not integer/);
    assert.match(message, /shop\/lines has no field "note" \(text\)/);
    assert.match(message, /shop\/lines has the key \(item, no\), not \(no, item\)/);
  });

  test("typed reader opens when only tables outside of its part differ, and refuses their reads", () => {
    using shop = new Shop(environment);
    shop.made(ITEMS);
    throwsCode("schema_mismatch", () => shop.open({ tables: ["shop/items", "shop/lines"] }));
    const reader = shop.open({ tables: ["shop/items"] });
    assert.equal(reader.getRowByKey("shop", "items", "a"), null);
    throwsCode("schema_mismatch", () => reader.getRowByKey("shop", "lines", 1, "a"));
    throwsCode("config_invalid", () => shop.open({ tables: ["shop/none" as "shop/items"] }));
  });

  test("typed reader says ldb_empty at its start when the LDB was never filled: nothing is missing from it", () => {
    using shop = new Shop(environment);
    shop.ldb();
    throwsCode("ldb_empty", () => shop.open());
  });

  test("I12 typed reader gives bigints when its module was made for them", () => {
    using shop = new Shop(environment);
    shop.made(ITEMS, LINES).apply("INSERT INTO shop___items VALUES('a', NULL, 9007199254740993)");
    const exact = shop.open({}, { ...SCHEMA, integers: "bigint" }) as unknown as LdbReader;
    assert.equal(exact.getRowByKey("shop", "items", "a")?.["stock"], 9007199254740993n);
    throwsCode("unsafe_integer", () => shop.open().getRowByKey("shop", "items", "a"));
  });
}

function defineChangeTests(environment: SuiteEnvironment): void {
  const { test } = environment;

  for (const isCached of [true, false]) {
    test(`typed reader refuses a table that changed while it was open, ${isCached ? "read before" : "not read yet"}, and reads others`, () => {
      using shop = new Shop(environment);
      const ldb = shop.made(ITEMS, LINES);
      ldb.apply("INSERT INTO shop___items VALUES('a', 1, 1); INSERT INTO shop___lines VALUES(1, 'a', 'n')");
      const reader = shop.open();
      const read = () => reader.getRowByKey("shop", "items", "a");
      if (isCached) assert.equal(read()?.price, 1);
      ldb.changeSchema(`DROP TABLE shop___items; ${ITEMS.replace("REAL", "TEXT")}`);
      const { message } = throwsCode("schema_mismatch", read);
      assert.match(message, /shop\/items has text for its field "price", not decimal/);
      throwsCode("schema_mismatch", () => reader.getRows("shop", "items", ["a"]));
      throwsCode("schema_mismatch", () => reader.getRowsByKeyPrefix("shop", "items"));
      throwsCode("schema_mismatch", () =>
        reader.snapshot((reads) => reads.getRowByKey("shop", "items", "a")),
      );
      assert.equal(reader.getRowByKey("shop", "lines", 1, "a")?.note, "n");
      reader.ping();

      ldb.changeSchema("DROP TABLE shop___items");
      assert.match(throwsCode("schema_mismatch", read).message, /table shop\/items is missing/);
      ldb.changeSchema(`${ITEMS}; INSERT INTO shop___items VALUES('a', 2, 2)`);
      assert.equal(read()?.price, 2);
    });
  }

  test("R39 typed reader reads on when fields and tables are added while it is open", () => {
    using shop = new Shop(environment);
    const ldb = shop.made(ITEMS, LINES);
    ldb.apply("INSERT INTO shop___items VALUES('a', 1, 1)");
    const reader = shop.open();
    assert.equal(reader.getRowByKey("shop", "items", "a")?.price, 1);
    ldb.changeSchema(
      'ALTER TABLE shop___items ADD COLUMN "more" TEXT; CREATE TABLE shop___new (a PRIMARY KEY)',
    );
    assert.equal(reader.getRowByKey("shop", "items", "a")?.price, 1);
  });

  test("typed reader follows to another generation when that has what the old one lacks, and refuses one that has not", () => {
    using shop = new Shop(environment);
    const first = shop.generation("1");
    first.changeSchema(ITEMS);
    first.changeSchema(LINES);
    first.apply("INSERT INTO shop___items VALUES('a', 1, 1)");
    shop.flipTo("1");
    const reader = shop.open();
    assert.equal(reader.getRowByKey("shop", "items", "a")?.price, 1);

    const second = shop.generation("2");
    second.changeSchema(LINES);
    second.moveTo(10);
    shop.flipTo("2");
    first.supersede();
    throwsCode("schema_mismatch", () => reader.getRowByKey("shop", "items", "a"));

    const third = shop.generation("3");
    third.changeSchema(ITEMS);
    third.changeSchema(LINES);
    third.moveTo(11);
    third.apply("INSERT INTO shop___items VALUES('a', 3, 3)");
    shop.flipTo("3");
    second.supersede();
    assert.equal(reader.getRowByKey("shop", "items", "a")?.price, 3);
  });
}

function defineWaitTests(environment: SuiteEnvironment): void {
  const { test } = environment;

  test("waiting for a typed reader ends when the LDB is there, filled, and has the tables", async () => {
    using shop = new Shop(environment);
    const opened = shop.wait(30_000);
    const ldb = shop.ldb();
    ldb.changeSchema(ITEMS);
    throwsCode("schema_mismatch", () => shop.open());
    ldb.changeSchema(LINES);
    assert.equal((await opened).getRowByKey("shop", "items", "a"), null);
  });

  test("waiting for a typed reader says what kept it when the time is over", async () => {
    using shop = new Shop(environment);
    await rejectsCode("ldb_not_found", shop.wait(0));
    shop.made(ITEMS);
    await rejectsCode("schema_mismatch", shop.wait(1));
  });

  test("waiting for a typed reader ends when it is aborted", async () => {
    using shop = new Shop(environment);
    const stop = new AbortController();
    const opened = shop.wait(30_000, stop.signal);
    stop.abort(new Error("stopped"));
    await assert.rejects(opened, /stopped/);
  });
}
