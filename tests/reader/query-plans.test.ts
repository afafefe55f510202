/** The reader's statements search by the primary key and never scan or sort. */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { bunDriver } from "../../ldb/drivers/bun.ts";
import { CREATE_LDB_TABLES } from "../../ldb/layout.ts";
import { manySql, type OwnTables, pointSql, prefixSql } from "../../reader/read-sql.ts";
import { readTableShape } from "../../reader/table-shape.ts";
import { tempFolder } from "../support/temp-folder.ts";

const TABLES: Readonly<Record<string, string>> = {
  fam___text: 'CREATE TABLE fam___text ("v" TEXT, "id" VARCHAR(191), PRIMARY KEY("id"))',
  fam___rowid: 'CREATE TABLE fam___rowid ("id" INTEGER, "v" TEXT, PRIMARY KEY("id"))',
  fam___multi:
    'CREATE TABLE fam___multi ("b" INTEGER, "a" VARCHAR(191), "v" TEXT, "c" BLOB(255), PRIMARY KEY("a","b","c"))',
};

/** The lines of the plan that say how the user's table is reached. */
function plan(database: Database, sql: string): string[] {
  const rows = database.query(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[];
  return rows.map(({ detail }) => detail).filter((detail) => /\bt\b|TEMP B-TREE/.test(detail));
}

for (const name of Object.keys(TABLES)) {
  for (const cutsTextAtNul of [false, true]) {
    test(`reads of ${name} search its primary key when text ${cutsTextAtNul ? "needs care" : "is whole"}`, () => {
      using folder = tempFolder("plans");
      const path = folder.file("ldb.db");
      const database = new Database(path);
      for (const sql of [...CREATE_LDB_TABLES, TABLES[name] ?? ""]) database.run(sql);
      const connection = bunDriver.open(path);
      const shape = readTableShape(connection, name);
      connection.close();
      if (shape === null) throw new Error(`no table ${name}`);
      const fields = { shape, cutsTextAtNul };
      const sources: OwnTables["versionSource"][] = ["meta", "cookie-and-meta", "cookie"];
      const searches = [
        ...sources.map((versionSource) => pointSql(fields, { hasSequence: true, versionSource })),
        manySql(fields, 4),
        ...shape.keyFields.map((_, i) => prefixSql(fields, i + 1)),
      ];
      for (const sql of searches) {
        // A double-quoted name that is no column would be taken for a string (D15).
        expect(sql).not.toContain('"');
        const lines = plan(database, sql);
        expect(lines.length).toBeGreaterThan(0);
        for (const line of lines)
          expect(line).toMatch(/^SEARCH t USING (INTEGER PRIMARY KEY|INDEX sqlite_autoindex_)/);
      }
      // All rows: a scan, but in the order of an index, without sorting.
      const [whole, ...more] = plan(database, prefixSql(fields, 0));
      expect(whole).toMatch(/^SCAN t/);
      expect(more).toEqual([]);
      database.close();
    });
  }
}
