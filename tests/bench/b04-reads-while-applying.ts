/**
 * B4: point reads in a process of their own, while nothing is applied and while 5,000 rows a second are.
 *
 * Beside the reader, on the same file and in the same minutes, the same reads by raw bun:sqlite in another process.
 */
import { join } from "node:path";
import { reflect, type TestReflector } from "../reflector/harness.ts";
import { CREATE_T, MemoryLedger, put } from "../reflector/memory-ledger.ts";
import { startProcess } from "../support/process.ts";
import { ROOT } from "../support/services.ts";
import { tempFolder } from "../support/temp-folder.ts";
import type { ReadPhase } from "./b04-program.ts";
import type { Benchmark, Figure } from "./report.ts";

const ROWS = 100_000;
const SECONDS = Number(process.env["CTLSTORE_BENCH_SECONDS"] ?? 20);
const ROWS_PER_GROUP = 50;
const GROUPS_PER_SECOND = 100;

async function fill(ledger: MemoryLedger, reflector: TestReflector): Promise<void> {
  ledger.append(CREATE_T);
  for (let from = 0; from < ROWS; from += 1_000) {
    ledger.append(
      ...Array.from({ length: 1_000 }, (_, i) => put(from + i, `${"x".repeat(100)} ${from + i}`)),
    );
  }
  await reflector.applies(ledger.head);
  ledger.entries.splice(0, ledger.entries.length - 1);
}

async function write(ledger: MemoryLedger): Promise<void> {
  const startedMs = performance.now();
  for (let group = 0; group < SECONDS * GROUPS_PER_SECOND; group++) {
    await Bun.sleep(Math.max(0, startedMs + (group * 1_000) / GROUPS_PER_SECOND - performance.now()));
    ledger.append(
      ...Array.from({ length: ROWS_PER_GROUP }, (_, i) =>
        put((group * ROWS_PER_GROUP + i * 7_919) % ROWS, `${"y".repeat(100)} ${group}`),
      ),
    );
    if (ledger.entries.length > 40_000) ledger.entries.splice(0, 20_000);
  }
}

/** One reading process; `idle` and `busy` in its report. */
async function measure(
  way: "reader" | "raw",
  { ledger, reflector, path }: { ledger: MemoryLedger; reflector: TestReflector; path: string },
): Promise<readonly ReadPhase[]> {
  const program = join(ROOT, "tests", "bench", "b04-program.ts");
  await using reading = startProcess([process.execPath, program, way, path, String(ROWS)]);
  await reading.waitForOutput(/ready/);
  await Bun.sleep((SECONDS * 1_000) / 2);
  reading.signal("SIGUSR1");
  await reading.waitForOutput(/next/);
  await write(ledger);
  await reflector.applies(ledger.head);
  reading.signal("SIGTERM");
  const { code } = await reading.exited;
  if (code !== 0) throw new Error(`the reading process failed: ${reading.stderr}`);
  return JSON.parse(reading.stdout.trim().split("\n").at(-1) ?? "") as ReadPhase[];
}

export const readsWhileApplying: Benchmark = {
  id: "B4",
  title: "point reads while 5,000 rows/s are applied",
  async run(progress) {
    using folder = tempFolder("bench");
    const ledger = new MemoryLedger();
    await using reflector = await reflect(ledger, folder.path);
    progress("making the LDB");
    await fill(ledger, reflector);
    const world = { ledger, reflector, path: join(folder.path, "ldb.db") };
    const figures: Figure[] = [];
    const phases = new Map<string, readonly ReadPhase[]>();
    for (const way of ["reader", "raw"] as const) {
      progress(way);
      const measured = await measure(way, world);
      phases.set(way, measured);
      for (const [i, name] of ["idle", "applying"].entries()) {
        const { reads = 0, p50 = 0, p99 = 0, p999 = 0 } = measured[i] ?? {};
        const label = way === "reader" ? "reader" : "raw bun:sqlite";
        figures.push(
          { name: `${label}, ${name}, p50`, unit: "µs", values: [p50] },
          { name: `${label}, ${name}, p99`, unit: "µs", values: [p99] },
          { name: `${label}, ${name}, p99.9`, unit: "µs", values: [p999] },
          { name: `${label}, ${name}, reads`, unit: "", values: [reads] },
        );
      }
    }
    const [idle, busy] = phases.get("reader") ?? [];
    const tail = (busy?.p999 ?? Number.NaN) / (idle?.p999 ?? Number.NaN);
    const failed = (idle?.failed ?? 1) + (busy?.failed ?? 1);
    return {
      id: this.id,
      title: this.title,
      settings: `${ROWS} rows; groups of ${ROWS_PER_GROUP}, ${GROUPS_PER_SECOND} a second, for ${SECONDS} s; one reading process as fast as it can`,
      figures,
      verdicts: [
        { name: "failed reads", value: failed, unit: "", aim: "0", met: failed === 0 },
        { name: "p99.9 while applying, against idle", value: tail, unit: "×", aim: "≤ 5", met: tail <= 5 },
      ],
    };
  },
};
