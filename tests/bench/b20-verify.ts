/**
 * B20: comparing a table of an LDB with the ctldb's: rows a second of the digest of each side, and of the whole
 * comparison, which reads both. Beside it the bare scan of the same LDB by the same driver.
 */
import { Database } from "bun:sqlite";
import { TableDigest } from "../../core/digest/table-digest.ts";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { openRowSource } from "../../ctldb/open.ts";
import { LdbView } from "../../ldb/ldb-view.ts";
import { verifyLdb } from "../../verify/verify-ldb.ts";
import { KINDS, makeWorld, type World } from "../verify/world.ts";
import { type Benchmark, type Figure, inTurns, median, type Verdict } from "./report.ts";

const ROWS = 500_000;
const ROUNDS = 3;
const TABLE = {
  table: "fam___all_types",
  fields: ["k1", "k2", "d", "t", "b", "bs", "s", "i"],
  keyFields: ["k1", "k2"],
};
const ANY = { order: "any", exactText: false } as const;

/** The same rows on both sides, put there without a ledger. */
async function fill(world: World): Promise<void> {
  await world.reflect();
  const columns = `INTO fam___all_types ("k1", "k2", "d", "t")`;
  const cells = `'key-' || n, n * 31, n / 7.0, 'some text of value ' || n`;
  const numbers = `WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < ${ROWS})`;
  const inSqlite = `${numbers} INSERT ${columns} SELECT ${cells} FROM s`;
  world.changeLdb(inSqlite);
  if (world.url.startsWith("sqlite:")) await world.changeCtlDb(inSqlite);
  else
    await world.changeCtlDb(
      `INSERT ${columns} SELECT CONCAT('key-', seq), seq * 31, seq / 7.0e0,
       CONCAT('some text of value ', seq) FROM seq_1_to_${ROWS}`,
    );
}

function rowsPerSecond(startedMs: number): number {
  return ROWS / ((performance.now() - startedMs) / 1000);
}

function bareScan(world: World): number {
  const db = new Database(`${world.ldbFolder}/ldb.db`, { readonly: true, safeIntegers: true });
  const startedMs = performance.now();
  const columns = TABLE.fields.join(",");
  for (const _ of db.prepare(`SELECT ${columns} FROM ${TABLE.table}`).iterate());
  const speed = rowsPerSecond(startedMs);
  db.close();
  return speed;
}

function ldbDigest(world: World): number {
  using view = LdbView.open(world.ldbFolder);
  const startedMs = performance.now();
  const digest = new TableDigest();
  for (const row of view.rows(TABLE, ANY)) digest.add(row);
  return rowsPerSecond(startedMs);
}

async function ctldbDigest(world: World): Promise<number> {
  await using source = openRowSource(world.url);
  await using view = await source.openView();
  const startedMs = performance.now();
  const digest = new TableDigest();
  await view.readRows(TABLE, ANY, (row) => digest.add(row));
  return rowsPerSecond(startedMs);
}

async function whole(world: World): Promise<number> {
  await using source = openRowSource(world.url);
  const startedMs = performance.now();
  const deps = { source, clock: systemClock, logger: silentLogger };
  const report = await verifyLdb(deps, { ldbFolder: world.ldbFolder });
  if (!report.equal) throw new Error("rows that are equal were not found so");
  return rowsPerSecond(startedMs);
}

/** With one row that differs, all rows are gone through a second time, in the order of the key. */
async function wholeWithDifference(world: World): Promise<number> {
  const set = (text: string) => world.changeLdb(`UPDATE fam___all_types SET t = ${text} WHERE k2 = 31000`);
  set("'changed'");
  await using source = openRowSource(world.url);
  const startedMs = performance.now();
  const deps = { source, clock: systemClock, logger: silentLogger };
  const report = await verifyLdb(deps, { ldbFolder: world.ldbFolder });
  const speed = rowsPerSecond(startedMs);
  if (report.tables[0]?.differences?.different !== 1) throw new Error("the row that differs was not found");
  set("'some text of value 1000'");
  return speed;
}

export const verifyRows: Benchmark = {
  id: "B20",
  title: "comparing an LDB with the ctldb",
  async run(progress) {
    const figures: Figure[] = [];
    const verdicts: Verdict[] = [];
    for (const kind of KINDS) {
      await using world = await makeWorld(kind);
      progress(`${kind.name}: filling`);
      await fill(world);
      progress(`${kind.name}: measuring`);
      const speeds = await inTurns(ROUNDS, {
        scan: () => bareScan(world),
        ldb: () => ldbDigest(world),
        ctldb: () => ctldbDigest(world),
        both: () => whole(world),
        difference: () => wholeWithDifference(world),
      });
      const unit = "rows/s";
      figures.push(
        { name: `${kind.name}: bare scan of the LDB`, unit, values: speeds.scan },
        { name: `${kind.name}: digest of the LDB`, unit, values: speeds.ldb },
        { name: `${kind.name}: digest of the ctldb`, unit, values: speeds.ctldb },
        { name: `${kind.name}: whole comparison, both sides read`, unit, values: speeds.both },
        { name: `${kind.name}: the same with one row that differs`, unit, values: speeds.difference },
      );
      for (const side of ["ldb", "ctldb"] as const) {
        const value = median(speeds[side]);
        const name = `${kind.name}: digest of the ${side}`;
        verdicts.push({ name, value, unit, aim: "≥ 500,000", met: value >= 500_000 });
      }
    }
    return {
      id: this.id,
      title: this.title,
      settings: `${ROWS} rows of eight fields, four of them null; files in the page cache; one process on one core`,
      figures,
      verdicts,
    };
  },
};
