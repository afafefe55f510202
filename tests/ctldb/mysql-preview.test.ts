/**
 * What a preview says of a MySQL server, held against what the server then does. Where adding fields is said to be `instant`,
 * the same change with ALGORITHM=INSTANT is made; where it is said to be a `rebuild`, the server refuses that.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createConnection } from "mysql2/promise";
import { PREVIEW_LIMITS } from "../../core/limits.ts";
import { parseFieldName } from "../../core/names.ts";
import { systemClock } from "../../core/process/clock.ts";
import type { FieldSchema, TableSchema } from "../../core/schema.ts";
import type { CtlDb } from "../../ctldb/contract.ts";
import { openCtlDb } from "../../ctldb/open.ts";
import type { ChangeCost } from "../../ctldb/preview/contract.ts";
import { sharedMariadb, startMariadb } from "../support/mariadb.ts";
import type { MysqlServer } from "../support/mysql-server.ts";
import { hasMysql9, sharedMysql9 } from "../support/mysql9.ts";
import { isDeep } from "../support/suite.ts";
import { COUNTS, count, DEPS, FAMILY, openFilled, request, table } from "./fixture.ts";
import { mysqlQuery, mysqlScript } from "./mysql-target.ts";

setDefaultTimeout(60_000);

const NAME = "fam___counts";

const ADDED: readonly FieldSchema[] = [
  { name: parseFieldName("added_1"), type: "integer" },
  { name: parseFieldName("added_2"), type: "text" },
];

async function previewedCost(ctldb: CtlDb, { table: name }: TableSchema): Promise<ChangeCost | undefined> {
  const preview = await ctldb.preview({ kind: "add-fields", family: FAMILY, table: name, fields: ADDED });
  expect(preview.conflicts).toEqual([]);
  return preview.tables[0]?.cost;
}

/** Asks the server for the very change that a preview was made of, to be made at once or not at all. */
async function isInstant(url: string, ctldb: CtlDb, { table: name }: TableSchema): Promise<boolean> {
  const preview = await ctldb.preview({ kind: "add-fields", family: FAMILY, table: name, fields: ADDED });
  const [statement = ""] = preview.tables[0]?.ctldbStatements ?? [];
  try {
    await mysqlQuery(url, `${statement.replaceAll('"', "`")}, ALGORITHM=INSTANT`);
    return true;
  } catch (error) {
    expect(String(error)).toMatch(/ALGORITHM=INSTANT|Maximum row versions/);
    return false;
  }
}

const CASES: ReadonlyArray<readonly [what: string, preparation: readonly string[], cost: ChangeCost]> = [
  ["is as ours are made", [], "instant"],
  ["has rows", [`INSERT INTO ${NAME} VALUES ('a', 1), ('b', 2)`], "instant"],
  ["has another row format", [`ALTER TABLE ${NAME} ROW_FORMAT=COMPACT`], "instant"],
  ["is compressed", [`ALTER TABLE ${NAME} ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=8`], "rebuild"],
  ["was given a full-text index", [`ALTER TABLE ${NAME} ADD FULLTEXT INDEX strange (name)`], "rebuild"],
];

function serverTests(name: string, shared: () => Promise<MysqlServer>): void {
  describe(`the cost of adding fields on ${name}`, () => {
    for (const [what, preparation, cost] of CASES) {
      test(`is ${cost} when the table ${what}`, async () => {
        const url = await (await shared()).createDatabase();
        await using ctldb = await openFilled(url);
        await mysqlScript(url, preparation);
        expect(await previewedCost(ctldb, COUNTS)).toBe(cost);
        expect(await isInstant(url, ctldb, COUNTS)).toBe(cost === "instant");
      });
    }

    test("is told to a user with no rights beyond the ctldb's tables", async () => {
      const server = await shared();
      const url = new URL(await server.createDatabase());
      const database = url.pathname.slice(1);
      await server.admin("CREATE USER IF NOT EXISTS 'narrow'@'127.0.0.1' IDENTIFIED BY 'narrow'");
      await server.admin(
        `GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP ON ${database}.* TO 'narrow'@'127.0.0.1'`,
      );
      url.username = "narrow";
      url.password = "narrow";
      await using ctldb = await openFilled(url.href);
      expect(await previewedCost(ctldb, COUNTS)).toBe("instant");
    });
  });

  describe(`a preview on ${name}`, () => {
    test("tells what the server itself refuses: names that it keeps, rows that it cannot hold", async () => {
      const url = await (await shared()).createDatabase();
      await using ctldb = await openFilled(url);
      for (const field of ["db_row_id", "db_trx_id", "db_roll_ptr"]) {
        const schema = table("kept", {
          fields: [
            ["id", "string"],
            [field, "integer"],
          ],
          keyFields: ["id"],
        });
        const create = await ctldb.preview({ kind: "create", tables: [schema] });
        expect(create.conflicts.map(({ code }) => code)).toEqual(["invalid_schema"]);
        const fields = [{ name: parseFieldName(field), type: "integer" } as const];
        const add = await ctldb.preview({ kind: "add-fields", family: FAMILY, table: COUNTS.table, fields });
        expect(add.conflicts.map(({ code }) => code)).toEqual(["invalid_schema"]);
        expect(add.conflicts[0]?.message).toContain("fam/counts");
      }
      // What was tried is gone, and hides nothing.
      expect(await previewedCost(ctldb, COUNTS)).toBe("instant");
      const made = table("kept", { fields: [["id", "string"]], keyFields: ["id"] });
      expect((await ctldb.preview({ kind: "create", tables: [made] })).conflicts).toEqual([]);
      await ctldb.createTables([made]);
      expect((await ctldb.preview({ kind: "drop", family: FAMILY, table: made.table })).tables[0]?.rows).toBe(
        0n,
      );
    });

    test("estimates the rows that there is no time to count", async () => {
      const url = await (await shared()).createDatabase();
      {
        await using ctldb = await openFilled(url);
        await ctldb.write(request([count("a"), count("b")]));
      }
      let nowMs = 0;
      // Who looks a second time has a tenth of a second left.
      const monotonicMs = () => {
        nowMs += PREVIEW_LIMITS.lookMs - 100;
        return nowMs;
      };
      await using ctldb = await openCtlDb(url, { ...DEPS, clock: { ...systemClock, monotonicMs } });
      // Measuring would wait for the table, too, and for longer.
      ctldb.limits.sizes = async () => [];
      await using _locked = await lockTable(url);
      const preview = await ctldb.preview({ kind: "drop", family: FAMILY, table: COUNTS.table });
      expect(preview.tables[0]).toMatchObject({ rowsAreEstimated: true, writers: [] });
      expect(Number(preview.tables[0]?.rows)).toBeWithin(0, 100);
    });
  });
}

/** Another session that lets nobody read the table. */
async function lockTable(url: string): Promise<AsyncDisposable> {
  const connection = await createConnection({ uri: url });
  await connection.query(`LOCK TABLES ${NAME} WRITE`);
  return { [Symbol.asyncDispose]: async () => connection.destroy() };
}

serverTests("MariaDB", sharedMariadb);
if (isDeep && hasMysql9) {
  serverTests("MySQL 9.7", sharedMysql9);

  test("the cost of adding fields on MySQL 9.7 is rebuild when a table has no version of its rows left", async () => {
    const url = await (await sharedMysql9()).createDatabase();
    await using ctldb = await openFilled(url);
    const changes = Array.from(
      { length: 254 },
      (_, i) =>
        `ALTER TABLE ${NAME} ${i % 2 === 0 ? "ADD COLUMN x INT" : "DROP COLUMN x"}, ALGORITHM=INSTANT`,
    );
    await mysqlScript(url, changes);
    expect(await previewedCost(ctldb, COUNTS)).toBe("instant");
    await mysqlScript(url, [`ALTER TABLE ${NAME} ADD COLUMN x INT, ALGORITHM=INSTANT`]);
    expect(await previewedCost(ctldb, COUNTS)).toBe("rebuild");
    expect(await isInstant(url, ctldb, COUNTS)).toBe(false);
  });
}

test("the cost of adding fields on MariaDB is rebuild when its settings forbid the other", async () => {
  await using server = await startMariadb(["--innodb-instant-alter-column-allowed=never"]);
  const url = await server.createDatabase();
  await using ctldb = await openFilled(url);
  expect(await previewedCost(ctldb, COUNTS)).toBe("rebuild");
  expect(await isInstant(url, ctldb, COUNTS)).toBe(false);
});
