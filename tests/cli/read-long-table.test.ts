/** `ctlstore read` of a local table that is longer than one read of the reader may be. */
import { expect, test } from "bun:test";
import { READER_LIMITS } from "../../core/limits.ts";
import { bunEnvironment } from "../reader/bun-environment.ts";
import { SampleFolder } from "../reader/suite/sample-ldb.ts";
import { runAgainst } from "./operator-world.ts";

test("read prints the first rows of a table of more than a million when it is told how many", async () => {
  using folder = new SampleFolder(bunEnvironment);
  const ldb = folder.ldb();
  ldb.changeSchema('CREATE TABLE fam___long ("kind" VARCHAR(191), "id" INTEGER, PRIMARY KEY("kind","id"))');
  ldb.apply(
    `INSERT INTO fam___long WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= ${READER_LIMITS.prefixRows})
     SELECT 'a', 9007199254740992 + i FROM n`,
  );
  const read = (...args: string[]) =>
    runAgainst("http://127.0.0.1:1", ["read", ...args, "--ldb", folder.path]);
  const first = await read("fam/long", "--limit", "2", "--json");
  expect(first).toMatchObject({
    code: 0,
    out: '[{"kind":"a","id":"9007199254740993"},{"kind":"a","id":"9007199254740994"}]',
  });
  expect((await read("fam/long", "a", "--prefix", "--limit", "3")).out.split("\n")).toHaveLength(4);
  expect((await read("fam/long")).notes).toContain("[request_too_large]");
  expect((await read("fam/long", "x", "y", "z", "--prefix", "--limit", "1")).notes).toContain(
    "[invalid_key]",
  );
  expect((await read("fam/gone", "--limit", "1")).notes).toContain("[unknown_table]");
});
