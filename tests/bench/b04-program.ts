/**
 * Reads random rows of `fam___tbl` until SIGTERM: `b04-program.ts reader|raw LDB ROWS`. SIGUSR1 begins another phase.
 * Prints `ready`, `next` for each further phase, and at the end one line of JSON: a `ReadPhase` each.
 */
import { openReader } from "../../reader/index.ts";
import { percentile } from "./report.ts";
import { openRaw } from "./sample-ldb.ts";

export interface ReadPhase {
  readonly reads: number;
  readonly failed: number;
  /** Microseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

const READS_PER_TURN = 100;
/** Enough for a minute at full speed. */
const MOST_SAMPLES = 16_000_000;
const [way = "reader", path = "", rows = "0"] = process.argv.slice(2);
const samples = new Float64Array(MOST_SAMPLES);
const phases: ReadPhase[] = [];
let count = 0;
let failed = 0;
let isOver = false;
process.on("SIGTERM", () => {
  isOver = true;
});
process.on("SIGUSR1", () => {
  endPhase();
  console.log("next");
});

function reading(): (key: number) => unknown {
  if (way === "reader") {
    const reader = openReader({ path });
    return (key) => reader.getRowByKey("fam", "tbl", key);
  }
  const statement = openRaw(path).query("SELECT `k`, `v` FROM fam___tbl WHERE `k` = ?");
  return (key) => statement.get(key);
}

function endPhase(): void {
  const taken = [...samples.subarray(0, count)];
  phases.push({
    reads: count,
    failed,
    p50: percentile(taken, 0.5),
    p99: percentile(taken, 0.99),
    p999: percentile(taken, 0.999),
  });
  count = 0;
  failed = 0;
}

const read = reading();
const mostKey = Number(rows);
for (let i = 0; i < 20_000; i++) read(i % mostKey);
console.log("ready");
while (!isOver) {
  for (let i = 0; i < READS_PER_TURN && count < MOST_SAMPLES; i++) {
    const key = Math.floor(Math.random() * mostKey);
    const from = Bun.nanoseconds();
    try {
      if (read(key) === null) failed += 1;
    } catch {
      failed += 1;
    }
    samples[count++] = (Bun.nanoseconds() - from) / 1000;
  }
  await new Promise((resolve) => setImmediate(resolve));
}
endPhase();
console.log(JSON.stringify(phases));
process.exit(0);
