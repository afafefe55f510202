/**
 * B11: rows and requests per second through the Executive's HTTP API on MariaDB.
 *
 * The Executive is a process of its own, as is MariaDB; the load comes from here over kept-alive connections. The peer
 * is raw MariaDB: the same rows in transactions of the same size over one connection, without ledger, cookie or HTTP.
 *
 * The price of limits is measured beside it (b11-limits.ts).
 */
import { createConnection } from "mysql2/promise";
import { startMariadb } from "../support/mariadb.ts";
import { measureLimits } from "./b11-limits.ts";
import { drive, LOAD_SECONDS, type Load, labelOf, row } from "./executive-load.ts";
import { startBenchExecutive } from "./executive-process.ts";
import { type Benchmark, type Figure, inTurns, median, percentile, ratio } from "./report.ts";

const ROUNDS = 3;

const LOADS: readonly Load[] = [
  { writers: 1, rows: 1 },
  { writers: 8, rows: 1 },
  { writers: 32, rows: 1 },
  { writers: 1, rows: 10 },
  { writers: 32, rows: 10 },
  { writers: 1, rows: 100 },
  { writers: 8, rows: 100 },
  { writers: 32, rows: 100 },
];

/** Rows per second of the same rows in plain transactions. */
async function rawRows(url: string, rows: number): Promise<number> {
  const connection = await createConnection({ uri: url, multipleStatements: true });
  await connection.query(
    "CREATE TABLE IF NOT EXISTS raw_rows (id VARCHAR(191) PRIMARY KEY, name VARCHAR(191), count BIGINT, weight DOUBLE)",
  );
  const until = performance.now() + (LOAD_SECONDS * 1000) / 2;
  const startedMs = performance.now();
  let done = 0;
  while (performance.now() < until) {
    const values = Array.from({ length: rows }, row).map(
      ({ id, name, count, weight }) => `('${id}','${name}',${count},${weight})`,
    );
    await connection.query(`BEGIN; REPLACE INTO raw_rows VALUES ${values.join(",")}; COMMIT`);
    done += rows;
  }
  const rate = done / ((performance.now() - startedMs) / 1000);
  await connection.end();
  return rate;
}

export const executiveThroughput: Benchmark = {
  id: "B11",
  title: "writes through the Executive on MariaDB",
  async run(progress) {
    await using mariadb = await startMariadb();
    const database = await mariadb.createDatabase();
    await using executive = await startBenchExecutive(database, 32);
    const figures: Figure[] = [];
    const rates = new Map<Load, number[]>();
    let failures = 0;
    for (const load of LOADS) {
      const label = labelOf(load);
      progress(label);
      const latencies: number[] = [];
      const { ours } = await inTurns(ROUNDS, {
        ours: async () => {
          const result = await drive(executive.url, load);
          latencies.push(...result.latenciesMs);
          failures += result.failures;
          return result.requests / LOAD_SECONDS;
        },
      });
      rates.set(load, ours);
      figures.push({ name: `${label}: requests`, unit: "/s", values: ours });
      if (load.rows > 1)
        figures.push({ name: `${label}: rows`, unit: "/s", values: ours.map((rate) => rate * load.rows) });
      figures.push({ name: `${label}: p50`, unit: "ms", values: [percentile(latencies, 0.5)] });
      figures.push({ name: `${label}: p99`, unit: "ms", values: [percentile(latencies, 0.99)] });
    }
    const limits = await measureLimits(mariadb, progress);
    figures.push(...limits.figures);
    failures += limits.failures;
    progress("raw MariaDB");
    const raw = await inTurns(ROUNDS, {
      hundred: () => rawRows(database, 100),
      one: () => rawRows(database, 1),
    });
    figures.push({
      name: "raw MariaDB, 1 connection × 100 rows a transaction: rows",
      unit: "/s",
      values: raw.hundred,
    });
    figures.push({ name: "raw MariaDB, 1 connection × 1 row a transaction", unit: "/s", values: raw.one });
    const rateOf = (writers: number, rows: number) =>
      [...rates].find(([load]) => load.writers === writers && load.rows === rows)?.[1] ?? [];
    const best = Math.max(...[1, 8, 32].map((writers) => median(rateOf(writers, 100)) * 100));
    const singles = median(rateOf(32, 1));
    return {
      id: this.id,
      title: this.title,
      settings:
        "innodb_flush_log_at_trx_commit=1, no binlog; Executive, MariaDB and the load share the machine; no failed request allowed",
      figures,
      verdicts: [
        {
          name: "rows/s at 100 a request (best number of writers)",
          value: best,
          unit: "/s",
          aim: "≥ 20,000",
          met: best >= 20_000,
        },
        {
          name: "requests/s from 32 single-row writers",
          value: singles,
          unit: "/s",
          aim: "≥ 2,000",
          met: singles >= 2_000,
        },
        { name: "failed requests", value: failures, unit: "", aim: "0", met: failures === 0 },
        ...[...limits.ratios].map(([label, value]) => ({
          name: `${label}: requests with limits, of those without`,
          value,
          unit: "×",
          aim: "≥ 0.90",
          met: value >= 0.9,
        })),
        {
          name: "rows counted by limits but not written, or written but not counted",
          value: limits.miscounted,
          unit: "",
          aim: "0",
          met: limits.miscounted === 0,
        },
        {
          name: "8 writers × 100 rows against raw MariaDB",
          value: ratio(
            rateOf(8, 100).map((rate) => rate * 100),
            raw.hundred,
          ),
          unit: "×",
          aim: "(none set)",
          met: true,
        },
      ],
    };
  },
};
