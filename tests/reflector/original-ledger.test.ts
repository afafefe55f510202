/** Our Reflector on the original's own ctldb, in MariaDB, comes to the original's LDB. */
import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { createConnection } from "mysql2/promise";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { openLedgerSource } from "../../ctldb/open.ts";
import { dumpSqliteFile } from "../support/dump-rows.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { query, reflect } from "./harness.ts";

function fixture(name: string): Buffer {
  return gunzipSync(readFileSync(new URL(`../interchange/fixtures/${name}`, import.meta.url).pathname));
}

test("an LDB made from the original's un-upgraded ledger has its rows and types, and adopting its LDB goes on there", async () => {
  using folder = tempFolder();
  const url = await (await sharedMariadb()).createDatabase();
  const connection = await createConnection({ uri: url, multipleStatements: true });
  await connection.query(fixture("original-ctldb.sql.gz").toString("utf8"));
  writeFileSync(folder.file("original.db"), fixture("original-ldb.db.gz"));
  const original = dumpSqliteFile(folder.file("original.db"));
  const source = () => openLedgerSource(url, { logger: silentLogger, clock: systemClock });
  {
    await using reflector = await reflect(source(), folder.file("fresh"));
    const status = await reflector.reaches("current");
    expect(status).toMatchObject({ sequence: 352n, epoch: null, unattestedThrough: 352n });
    expect(status.legacyGaps).toBeGreaterThan(5);
    expect(dumpSqliteFile(folder.file("fresh", "ldb.db"))).toEqual(original);
  }
  mkdirSync(folder.file("adopted"));
  writeFileSync(folder.file("adopted", "ldb.db"), fixture("original-ldb.db.gz"));
  await using adopted = await reflect(source(), folder.file("adopted"));
  expect(await adopted.reaches("current")).toMatchObject({ sequence: 352n, unattestedThrough: 352n });
  await connection.query("INSERT INTO ctlstore_dml_ledger (statement) VALUES (?)", [
    `REPLACE INTO fam1___ints ("id","v") VALUES(4711,'later')`,
  ]);
  await connection.end();
  await adopted.applies(353n);
  expect(query(folder.file("adopted"), "SELECT v FROM fam1___ints WHERE id = 4711")).toEqual([
    { v: "later" },
  ]);
});
