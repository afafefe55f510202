/** D21: staleness, and what is told of the ledger, is right to what the ledger knows, with a MySQL in any time zone; entries of ours and of the original. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createConnection } from "mysql2/promise";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { SEQUENCE_ZERO } from "../../core/sequence.ts";
import { openLedgerSource } from "../../ctldb/open.ts";
import { openReader } from "../../reader/index.ts";
import { COUNTS, count, FAMILY, openFilled, request } from "../ctldb/fixture.ts";
import { startMariadb } from "../support/mariadb.ts";
import type { MysqlServer } from "../support/mysql-server.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { reflect } from "./harness.ts";

const DEPS = { logger: silentLogger, clock: systemClock };
const CREATE = 'CREATE TABLE fam___tbl ("k" VARCHAR(191), PRIMARY KEY("k"));';
const put = (key: string) => `REPLACE INTO fam___tbl ("k") VALUES('${key}')`;

let server: MysqlServer;

beforeAll(async () => {
  // The machine of the database is in a zone with daylight saving time, and MySQL takes the machine's.
  server = await startMariadb(["--default-time-zone=SYSTEM"], "Europe/Berlin");
});
afterAll(() => server?.stop());

/** Runs SQL in a session like the original's, which says nothing of time zones. */
async function asOriginal(url: string, ...statements: readonly string[]): Promise<void> {
  const connection = await createConnection({ uri: url });
  try {
    for (const statement of statements) await connection.query(statement);
  } finally {
    await connection.end();
  }
}

function ledgerEntry(statement: string, leaderTimestamp = "DEFAULT"): string {
  return `INSERT INTO ctlstore_dml_ledger (leader_ts, statement) VALUES (${leaderTimestamp}, '${statement.replaceAll("'", "''")}')`;
}

const ORIGINAL_LEDGER = `CREATE TABLE ctlstore_dml_ledger (seq INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  leader_ts DATETIME DEFAULT CURRENT_TIMESTAMP, statement MEDIUMTEXT NOT NULL)`;

/** The ages that Reflector and reader tell of an LDB that has just been brought up to date, in seconds. */
async function agesOf(url: string): Promise<{ reflector: number; reader: number }> {
  using folder = tempFolder();
  await using reflector = await reflect(openLedgerSource(url, DEPS), folder.path);
  await reflector.reaches("current");
  using reader = openReader({ path: folder.path });
  return { reflector: reflector.status().lagSeconds ?? Number.NaN, reader: reader.getLedgerLatency() };
}

describe("staleness on a MySQL whose machine is not in UTC", () => {
  test("D21 is that of the entry when the original wrote it, in a ledger that only it has written", async () => {
    const url = await server.createDatabase();
    await asOriginal(url, ORIGINAL_LEDGER, ledgerEntry(CREATE), ledgerEntry(put("a")));
    const { reflector, reader } = await agesOf(url);
    // The original's timestamps are whole seconds.
    expect(reflector).toBeWithin(0, 30);
    expect(reader).toBeWithin(0, 30);
  });

  test.each([
    ["summer", "2026-07-01 12:00:00", "2026-07-01T10:00:00Z"],
    ["winter", "2026-01-15 12:00:00", "2026-01-15T11:00:00Z"],
  ])("D21 follows daylight saving time when the original wrote in %s", async (_, local, utc) => {
    const url = await server.createDatabase();
    await asOriginal(url, ORIGINAL_LEDGER, ledgerEntry(CREATE, `'${local}'`));
    await using source = openLedgerSource(url, DEPS);
    const [entry] = (await source.poll(SEQUENCE_ZERO, 10)).entries;
    expect(entry?.writtenAtUs).toBe(Date.parse(utc) * 1000);
    // The chain is made of what the ledger shows to everybody.
    expect(entry?.timestampUs).toBe(Date.parse(`${local.replace(" ", "T")}Z`) * 1000);
  });

  test("D21 is that of the newest entry when ours and the original's write the same ledger", async () => {
    const url = await server.createDatabase();
    await using ctldb = await openFilled(url);
    await ctldb.write(request([count("ours")]));
    const ours = await agesOf(url);
    expect(ours.reflector).toBeWithin(0, 30);
    expect(ours.reader).toBeWithin(0, 30);
    await asOriginal(url, ledgerEntry(`REPLACE INTO fam___counts ("name","count") VALUES('theirs',2)`));
    const theirs = await agesOf(url);
    expect(theirs.reflector).toBeWithin(0, 30);
    expect(theirs.reader).toBeWithin(0, 30);
  });
});

test("D21 the ledger over HTTP and histories have the moment at which the original wrote, in UTC", async () => {
  const url = await server.createDatabase();
  await using ctldb = await openFilled(url);
  await ctldb.write(request([count("key")]));
  const theirs = `REPLACE INTO fam___counts ("name","count") VALUES('key',2)`;
  await asOriginal(url, ledgerEntry(theirs), ledgerEntry(theirs, "'2026-07-01 12:00:00'"));
  const { entries } = await ctldb.inspection.entries({ from: { before: null }, limit: 3 });
  const { changes } = await ctldb.inspection.history({
    ...{ family: FAMILY, table: COUNTS.table, key: ["key"] },
    ...{ before: null, limit: 3 },
  });
  for (const found of [entries, changes]) {
    const [summer, now, ours] = found.map(({ timestampUs }) => timestampUs);
    expect(summer).toBe(Date.parse("2026-07-01T10:00:00Z") * 1000);
    for (const us of [now, ours]) expect(Date.now() - (us ?? 0) / 1000).toBeWithin(0, 30_000);
  }
});
