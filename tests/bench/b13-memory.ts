/**
 * B13: resident memory of the Reflector's process: idle, while about 5,000 rows/s are applied, and after a minute of
 * that. (The hour that benchmarks.md speaks of is this run with CTLSTORE_BENCH_SECONDS=3600.)
 */
import { readFileSync } from "node:fs";
import { binaryOf } from "../support/binaries.ts";
import { startMariadb } from "../support/mariadb.ts";
import { startProcess } from "../support/process.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { startBenchExecutive } from "./executive-process.ts";
import { type Benchmark, median } from "./report.ts";

const SECONDS = Number(process.env["CTLSTORE_BENCH_SECONDS"] ?? 60);
const ROWS_PER_REQUEST = 100;
const REQUESTS_PER_SECOND = 50;

function residentMib(pid: number): number {
  const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(match?.[1] ?? 0) / 1024;
}

async function load(url: string, sample: () => void): Promise<void> {
  let row = 0;
  const headers = { "ctlstore-writer": "writer0", "ctlstore-secret": "secret" };
  for (let second = 0; second < SECONDS; second++) {
    const startedMs = performance.now();
    for (let i = 0; i < REQUESTS_PER_SECOND; i++) {
      const mutations = Array.from({ length: ROWS_PER_REQUEST }, () => {
        row += 1;
        return {
          table: "rows",
          values: { id: `key-${row % 50_000}`, name: `value ${row}`, count: row, weight: row / 8 },
        };
      });
      const response = await fetch(`${url}/families/bench/mutations`, {
        method: "POST",
        headers,
        body: JSON.stringify({ mutations }),
      });
      await response.text();
    }
    sample();
    await Bun.sleep(Math.max(0, 1000 - (performance.now() - startedMs)));
  }
}

export const reflectorMemory: Benchmark = {
  id: "B13",
  title: "memory of the Reflector's process",
  async run(progress) {
    using folder = tempFolder("bench");
    await using mariadb = await startMariadb();
    const ctldb = await mariadb.createDatabase();
    await using executive = await startBenchExecutive(ctldb, 1);
    progress("compiling the host's binary");
    const { path: binary } = await binaryOf("ctlstore-reflector");
    const flags = [
      "--ctldb",
      ctldb,
      "--ldb",
      folder.file("ldb"),
      "--bind",
      "127.0.0.1:0",
      "--log-level",
      "warn",
    ];
    await using reflector = startProcess([binary, ...flags]);
    const [reflectorUrl] = await reflector.waitForOutput(/http:\/\/127\.0\.0\.1:\d+/, 20_000);
    const { pid } = reflector;
    await until(async () => (await fetch(`${reflectorUrl}/readyz`)).ok, {
      what: "the Reflector to be current",
      deadlineMs: 20_000,
    });
    await Bun.sleep(3_000);
    const idle = residentMib(pid);
    progress(`under load for ${SECONDS} s`);
    const loaded: number[] = [];
    await load(executive.url, () => loaded.push(residentMib(pid)));
    const firstThird = median(loaded.slice(0, Math.ceil(loaded.length / 3)));
    const lastThird = median(loaded.slice(-Math.ceil(loaded.length / 3)));
    return {
      id: this.id,
      title: this.title,
      settings: `the compiled binary, on MariaDB; ${ROWS_PER_REQUEST * REQUESTS_PER_SECOND} rows/s wanted for ${SECONDS} s`,
      figures: [
        { name: "idle", unit: "MiB", values: [idle] },
        { name: "under load, first third", unit: "MiB", values: [firstThird] },
        { name: "under load, last third", unit: "MiB", values: [lastThird] },
        { name: "under load, most", unit: "MiB", values: [Math.max(...loaded)] },
      ],
      verdicts: [
        { name: "idle", value: idle, unit: "MiB", aim: "≤ 60", met: idle <= 60 },
        {
          name: "last third against first third",
          value: lastThird / firstThird,
          unit: "×",
          aim: "flat (≤ 1.15)",
          met: lastThird / firstThird <= 1.15,
        },
      ],
    };
  },
};
