/**
 * A MySQL server that is killed, or set up in another way than ours would like: nothing that was acknowledged is lost,
 * and nothing depends on the server's own settings.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { isCtlstoreError } from "../../core/errors.ts";
import { parseTimestampUs } from "../../core/ledger/timestamps.ts";
import { parseFieldName, parseWriterName } from "../../core/names.ts";
import { SEQUENCE_ZERO } from "../../core/sequence.ts";
import { openLedgerSource } from "../../ctldb/open.ts";
import { startMariadb } from "../support/mariadb.ts";
import type { MysqlServer } from "../support/mysql-server.ts";
import { MYSQL_PASSWORD } from "../support/secrets.ts";
import { until } from "../support/until.ts";
import {
  bytes,
  COUNTS,
  count,
  DEPS,
  expectConsistent,
  failureOf,
  open,
  openFilled,
  remove,
  request,
  SECRET,
  table,
  upsert,
} from "./fixture.ts";
import { mysqlQuery } from "./mysql-target.ts";

setDefaultTimeout(60_000);

/** Its own, since these tests kill it and change its settings. */
let server: MysqlServer;
beforeAll(async () => {
  server = await startMariadb();
});
afterAll(() => server.stop());

/** Runs a test under another global setting, and puts the old one back. */
async function withSetting(name: string, value: string, task: () => Promise<void>): Promise<void> {
  const [row] = (await server.admin(`SELECT @@GLOBAL.${name} AS old`)) as { old: unknown }[];
  await server.admin(`SET GLOBAL ${name} = ${value}`);
  try {
    await task();
  } finally {
    const old = typeof row?.old === "number" ? String(row.old) : `'${row?.old}'`;
    await server.admin(`SET GLOBAL ${name} = ${old}`);
  }
}

describe("a ctldb on a MySQL server", () => {
  test("R30 keeps every acknowledged write, and doubles none, when the server is killed under eight writers", async () => {
    const url = await server.createDatabase();
    await using ctldb = await openFilled(url);
    const names = Array.from({ length: 8 }, (_, i) => parseWriterName(`writer-${i}x`));
    for (const name of names) await ctldb.writers.register(name, SECRET);
    const outcome = { done: [0, 0, 0, 0, 0, 0, 0, 0], failures: 0, stop: false };
    const workers = names.map(async (writer, i) => {
      // The cookie says what was applied last: a writer that is told nothing certain asks for it.
      let next = 1;
      while (!outcome.stop) {
        const cookie = bytes(`${next}`);
        const checkCookie = next === 1 ? new Uint8Array() : bytes(`${next - 1}`);
        const mutations = [count(`w${i}-${next}`, next), count(`last-${i}`, next)];
        try {
          await ctldb.write(request(mutations, { writer, cookie, checkCookie }));
          outcome.done[i] = next;
          next += 1;
        } catch (error) {
          if (!isCtlstoreError(error)) throw error;
          outcome.failures += 1;
          const stored = await until(() => ctldb.readCookie(writer, SECRET), { what: "the cookie" });
          next = Number(new TextDecoder().decode(stored) || "0") + 1;
          outcome.done[i] = next - 1;
        }
      }
    });
    const total = () => outcome.done.reduce((sum, done) => sum + done, 0);
    for (let kill = 1; kill <= 2; kill++) {
      const goal = total() + 200;
      await until(() => total() >= goal, { what: "two hundred writes" });
      await server.kill();
      await until(() => outcome.failures > 0, { what: "a writer to notice" });
      await server.restart();
    }
    const goal = total() + 50;
    await until(() => total() >= goal, { what: "writes after the restart", deadlineMs: 30_000 });
    outcome.stop = true;
    await Promise.all(workers);
    const { rows, entries } = await expectConsistent(url);
    const expected = outcome.done.flatMap((done, i) => [
      ...Array.from({ length: done }, (_, n) => `text "w${i}-${n + 1}"|integer ${n + 1}`),
      `text "last-${i}"|integer ${done}`,
    ]);
    expect(rows["fam___counts"]?.rows).toEqual(expected.sort());
    // Four entries each, and none twice.
    expect(entries).toHaveLength(2 + 4 * total());
  });

  test("D21 writes UTC into leader_ts when the server is in another time zone", async () => {
    await withSetting("time_zone", "'+05:00'", async () => {
      const url = await server.createDatabase();
      await using ctldb = await openFilled(url);
      await ctldb.write(request([count("a")]));
      const [row] = await mysqlQuery(
        url,
        "SELECT CAST(leader_ts AS CHAR), timestamp_us FROM ctlstore_dml_ledger ORDER BY seq DESC LIMIT 1",
      );
      const leaderUs = parseTimestampUs(String(row?.[0])) ?? 0;
      expect(Math.abs(leaderUs - Date.now() * 1000)).toBeLessThan(60_000_000);
      expect(Number(row?.[1]) - leaderUs).toBeWithin(0, 1_000_000);
      await using source = openLedgerSource(url, DEPS);
      expect((await source.poll(SEQUENCE_ZERO, 10)).entries.at(-1)?.timestampUs).toBe(Number(row?.[1]));
    });
  });

  for (const sqlMode of ["''", "'ANSI,NO_ZERO_DATE,PAD_CHAR_TO_FULL_LENGTH,PIPES_AS_CONCAT'", "'ORACLE'"]) {
    test(`keeps values as they are when the server's sql_mode is ${sqlMode}`, async () => {
      await withSetting("sql_mode", sqlMode, async () => {
        const url = await server.createDatabase();
        await using ctldb = await openFilled(url);
        const names = ["back\\slash", "a\\'b", 'quo"te', "it's", "", "trailing ", "x'00'"];
        await ctldb.write(request(names.map((name, i) => count(name, i))));
        await ctldb.write(request([remove("counts", { name: "a\\'b" })]));
        expect((await expectConsistent(url)).rows["fam___counts"]?.rows).toHaveLength(names.length - 1);
      });
    });
  }

  test("stores text as it is when the server's character set is another", async () => {
    await withSetting("character_set_server", "'latin1'", async () => {
      await withSetting("collation_server", "'latin1_swedish_ci'", async () => {
        const url = await server.createDatabase();
        await using ctldb = await openFilled(url);
        await ctldb.write(request(["ä", "Ä", "😀", "a", "A", "a "].map((name) => count(name))));
        expect((await expectConsistent(url)).rows["fam___counts"]?.rows).toHaveLength(6);
      });
    });
  });

  test("refuses what does not fit, and writes what does, when the server's packets are small", async () => {
    await withSetting("max_allowed_packet", String(1024 * 1024), async () => {
      const url = await server.createDatabase();
      await using ctldb = await openFilled(url);
      const row = (k2: number, t: string) => upsert("all_types", { k1: "a", k2, t });
      const error = await failureOf(ctldb.write(request([row(1, "x".repeat(523_000))])));
      expect(error.code).toBe("statement_too_large");
      // Large ones together: more packets, one transaction. All quotes: twice the size as a literal.
      const large = ["x".repeat(500_000), "'".repeat(240_000), "€".repeat(160_000), "\u0000".repeat(200_000)];
      await ctldb.write(request(large.map((t, k2) => row(k2, t))));
      await Promise.all(large.map((t, k2) => ctldb.write(request([row(k2 + 10, t), count(`n${k2}`)]))));
      expect((await expectConsistent(url)).rows["fam___all_types"]?.rows).toHaveLength(8);
    });
  });

  test("refuses fields whose names InnoDB keeps for itself, and goes on", async () => {
    const url = await server.createDatabase();
    await using ctldb = await openFilled(url);
    for (const name of ["db_row_id", "db_trx_id", "db_roll_ptr", "fts_doc_id"]) {
      const schema = table("kept", {
        fields: [
          ["id", "string"],
          [name, "integer"],
        ],
        keyFields: ["id"],
      });
      const created = await failureOf(ctldb.createTables([schema]));
      const added = await failureOf(
        ctldb.addFields(COUNTS.family, COUNTS.table, [{ name: parseFieldName(name), type: "integer" }]),
      );
      expect({ name, codes: [created.code, added.code] }).toEqual({
        name,
        codes: ["invalid_schema", "invalid_schema"],
      });
    }
    await ctldb.write(request([count("a")]));
    await expectConsistent(url);
  });

  test("says why it refuses a table, and goes on, when its user may not drop the one made before it", async () => {
    const url = new URL(await server.createDatabase());
    const rights = "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER";
    await server.admin(`CREATE USER IF NOT EXISTS 'keeper'@'127.0.0.1' IDENTIFIED BY '${MYSQL_PASSWORD}'`);
    await server.admin(`GRANT ${rights} ON ${url.pathname.slice(1)}.* TO 'keeper'@'127.0.0.1'`);
    url.username = "keeper";
    url.password = MYSQL_PASSWORD;
    await using ctldb = await openFilled(url.href);
    const one = (name: string, field: string) =>
      table(name, { fields: [[field, "string"]], keyFields: [field] });
    const error = await failureOf(ctldb.createTables([one("first", "id"), one("second", "db_row_id")]));
    expect(error.code).toBe("invalid_schema");
    expect((await failureOf(ctldb.createTables([one("first", "id")]))).code).toBe("table_exists");
    await ctldb.write(request([count("a")]));
  });

  test("R45 keeps the statements, and with them secrets and data, out of what may be logged", async () => {
    const url = await server.createDatabase();
    await using ctldb = await openFilled(url);
    await ctldb.write(request([count("known")]));
    await mysqlQuery(url, "ALTER TABLE fam___counts ADD CONSTRAINT strange CHECK (name <> 'strange')");
    await mysqlQuery(url, "DROP TABLE ctlstore_tables");
    for (const call of [
      () => ctldb.write(request([count("strange"), count("top secret")])),
      () => ctldb.dropTable(COUNTS.family, COUNTS.table),
    ]) {
      const error = await failureOf(call());
      const logged = JSON.stringify(error.details);
      expect(logged).toContain("errno");
      expect(`${error.message} ${logged}`).not.toMatch(/top secret|SELECT|REPLACE/);
    }
  });

  test("says what is wrong when user, password, rights or database are", async () => {
    const url = new URL(await server.createDatabase());
    const database = url.pathname.slice(1);
    await server.admin("CREATE USER IF NOT EXISTS 'poor'@'127.0.0.1' IDENTIFIED BY 'poor'");
    await server.admin(`GRANT SELECT ON ${database}.* TO 'poor'@'127.0.0.1'`);
    const cases: ReadonlyArray<readonly [string, RegExp]> = [
      [`mysql://poor:poor@127.0.0.1:${server.port}/${database}`, /CREATE command denied/],
      [`mysql://poor:wrong@127.0.0.1:${server.port}/${database}`, /Access denied/],
      [`mysql://nobody:x@127.0.0.1:${server.port}/${database}`, /Access denied/],
      [`mysql://app:${MYSQL_PASSWORD}@127.0.0.1:${server.port}/not_there`, /Unknown database/],
    ];
    for (const [wrong, message] of cases) {
      const error = await failureOf(open(wrong));
      expect(error.code).toBe("ctldb_unavailable");
      expect(error.message).toMatch(message);
      expect(error.message).not.toMatch(/poor:|wrong|app:/);
      expect(error.details.hint).toContain("grants");
    }
    // Reading needs no more than SELECT.
    await using _ctldb = await openFilled(url.href);
    await using source = openLedgerSource(cases[0]?.[0] ?? "", DEPS);
    expect((await source.poll(SEQUENCE_ZERO, 10)).entries).toHaveLength(2);
  });

  test("says that it is away when the server becomes read-only, and writes again when it is not", async () => {
    const url = await server.createDatabase();
    const user = new URL(url);
    user.username = "plain";
    user.password = MYSQL_PASSWORD;
    await server.admin(`CREATE USER IF NOT EXISTS 'plain'@'127.0.0.1' IDENTIFIED BY '${MYSQL_PASSWORD}'`);
    await server.admin(`GRANT ALL ON ${user.pathname.slice(1)}.* TO 'plain'@'127.0.0.1'`);
    await using ctldb = await openFilled(user.href);
    await ctldb.write(request([count("a")]));
    await withSetting("read_only", "1", async () => {
      expect((await failureOf(ctldb.write(request([count("b")])))).code).toBe("ctldb_unavailable");
    });
    await ctldb.write(request([count("c")]));
    await expectConsistent(url);
  });
});
