/** A ctldb whose tables the original made on a server of its time: their character sets lack letters that names may have. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { parseWriterName } from "../../core/names.ts";
import type { CtlDb } from "../../ctldb/contract.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { count, failureOf, open, openFilled, request, SECRET, WRITER } from "./fixture.ts";
import { windowWith } from "./limits/windows.ts";
import { mysqlScript } from "./mysql-target.ts";

setDefaultTimeout(60_000);

/** The original's tables that have names of writers; ours are added beside them. */
async function originalTables(charset: string): Promise<string> {
  const url = await (await sharedMariadb()).createDatabase();
  const name = (chars: number) => `VARCHAR(${chars}) NOT NULL`;
  const tables = [
    `mutators (writer ${name(191)} PRIMARY KEY, secret ${name(255)}, cookie BLOB NOT NULL, clock BIGINT NOT NULL DEFAULT 0)`,
    `writer_usage (bucket BIGINT NOT NULL, writer_name ${name(50)}, amount BIGINT NOT NULL, PRIMARY KEY (writer_name, bucket))`,
    `max_writer_rates (writer_name ${name(50)} PRIMARY KEY, max_rows_per_minute BIGINT NOT NULL)`,
  ];
  await mysqlScript(
    url,
    tables.map((columns) => `CREATE TABLE ${columns} DEFAULT CHARSET=${charset}`),
  );
  return url;
}

const write = (ctldb: CtlDb, writer: string) =>
  ctldb.write(request([count("a")], { writer: parseWriterName(writer) }));

for (const [charset, known, unknown] of [
  ["latin1", "importér", "日本国"],
  ["utf8mb3", "日本国", "loader😀"],
] as const) {
  describe(`tables of the original in ${charset}`, () => {
    test("R34 let no name that they cannot hold get in the way of others", async () => {
      const url = await originalTables(charset);
      await (await openFilled(url))[Symbol.asyncDispose]();
      // Nobody is known yet: all of them are looked up together.
      await using ctldb = await open(url);
      const stranger = async (i: number) => (await failureOf(write(ctldb, `${unknown}${i}`))).code;
      const outcomes = await Promise.all([stranger(1), write(ctldb, WRITER), stranger(2)]);
      expect([outcomes[0], outcomes[2]]).toEqual(["bad_credentials", "bad_credentials"]);
      const name = parseWriterName(unknown);
      expect((await failureOf(ctldb.readCookie(name, SECRET))).code).toBe("bad_credentials");
      expect((await failureOf(ctldb.writers.find(name))).code).toBe("unknown_writer");
      expect((await failureOf(ctldb.writers.register(name, SECRET))).code).toBe("invalid_value");
    });

    test("D22 have writers beyond ASCII as far as they can hold them, with their limits and counts", async () => {
      await using ctldb = await openFilled(await originalTables(charset));
      await ctldb.writers.register(parseWriterName(known), SECRET);
      await ctldb.limits.setWriter(known, { rows: 2n, bytes: null });
      await windowWith(5);
      for (let i = 0; i < 2; i++) await write(ctldb, known);
      expect((await failureOf(write(ctldb, known))).code).toBe("rate_limited");
      expect((await ctldb.limits.usage()).writers[0]).toMatchObject({ writer: known, rows: 2n });
    });
  });
}

test("R35 a ledger that cannot hold a text is the ctldb's fault, not that of the rows beside it", async () => {
  const url = await (await sharedMariadb()).createDatabase();
  const columns = `seq INT NOT NULL AUTO_INCREMENT PRIMARY KEY, leader_ts DATETIME DEFAULT CURRENT_TIMESTAMP,
    statement MEDIUMTEXT NOT NULL`;
  await mysqlScript(url, [`CREATE TABLE ctlstore_dml_ledger (${columns}) DEFAULT CHARSET=latin1`]);
  await using ctldb = await openFilled(url);
  const writes = ["plain", "日本国"].map((name) => failureOf(ctldb.write(request([count(name)]))));
  expect((await Promise.all(writes)).map(({ code }) => code)).toEqual([
    "ctldb_incompatible",
    "ctldb_incompatible",
  ]);
  await ctldb.write(request([count("plain")]));
});
