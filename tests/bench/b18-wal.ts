/**
 * B18: the write-ahead log under 32 processes that read as fast as they can, while 1,000 rows a second are applied with
 * the Reflector's own limits. (The hour that benchmarks.md speaks of is this run with CTLSTORE_BENCH_SECONDS=3600.)
 */
import { REFLECTOR_LIMITS } from "../../core/limits.ts";
import { startHotReaders } from "../ldb/hot-readers.ts";
import { reflect, type TestReflector } from "../reflector/harness.ts";
import { CREATE_T, MemoryLedger, put } from "../reflector/memory-ledger.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { type Benchmark, percentile } from "./report.ts";

const READERS = 32;
const SECONDS = Number(process.env["CTLSTORE_BENCH_SECONDS"] ?? 60);
const ROWS_PER_GROUP = 50;
const GROUPS_PER_SECOND = 20;
const MIB = 1024 * 1024;
/** Entries behind the head that stay in the ledger. */
const KEPT_ENTRIES = 20_000;

/** Writes at the pace, and says how long each group took to be applied and how large the log was then. */
async function load(ledger: MemoryLedger, reflector: TestReflector, progress: (text: string) => void) {
  const applyMs: number[] = [];
  const walBytes: number[] = [];
  const startedMs = performance.now();
  for (let group = 0; group < SECONDS * GROUPS_PER_SECOND; group++) {
    if (group % (GROUPS_PER_SECOND * 10) === 0) progress(`${group / GROUPS_PER_SECOND} of ${SECONDS} s`);
    await Bun.sleep(Math.max(0, startedMs + (group * 1_000) / GROUPS_PER_SECOND - performance.now()));
    const from = performance.now();
    ledger.append(
      ...Array.from({ length: ROWS_PER_GROUP }, (_, i) => {
        return put((group * ROWS_PER_GROUP + i * 7) % 100_000, `${group} ${"x".repeat(150)}`);
      }),
    );
    await reflector.applies(ledger.head);
    applyMs.push(performance.now() - from);
    walBytes.push(reflector.status().ldb.walBytes);
    if (ledger.entries.length > 2 * KEPT_ENTRIES) ledger.entries.splice(0, KEPT_ENTRIES);
  }
  return { applyMs, walBytes };
}

export const walUnderReaders: Benchmark = {
  id: "B18",
  title: "write-ahead log under hot readers",
  async run(progress) {
    using folder = tempFolder("bench");
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T, put(1, "first"));
    const { walCapBytes, walCheckpointBytes } = REFLECTOR_LIMITS;
    await using reflector = await reflect(ledger, folder.path, { walCapBytes, walCheckpointBytes });
    await reflector.reaches("current");
    progress("starting the readers");
    await using readers = await startHotReaders(READERS, folder.path);
    const { applyMs, walBytes } = await load(ledger, reflector, progress);
    const reports = await readers.stop();
    const failed = reports.filter(({ failure }) => failure !== null);
    const largest = Math.max(...walBytes) / MIB;
    const reads = reports.reduce((sum, report) => sum + report.reads, 0);
    return {
      id: this.id,
      title: this.title,
      settings: `${READERS} processes for ${SECONDS} s, ${ROWS_PER_GROUP * GROUPS_PER_SECOND} rows/s; checkpoint from ${walCheckpointBytes / MIB} MiB on, cap ${walCapBytes / MIB} MiB`,
      figures: [
        { name: "size of the log, median", unit: "MiB", values: [percentile(walBytes, 0.5) / MIB] },
        { name: "rows applied within, p50", unit: "ms", values: [percentile(applyMs, 0.5)] },
        { name: "rows applied within, p99", unit: "ms", values: [percentile(applyMs, 0.99)] },
        { name: "rows applied within, longest", unit: "ms", values: [Math.max(...applyMs)] },
        { name: "reads of all", unit: "k/s", values: [reads / SECONDS / 1_000] },
      ],
      verdicts: [
        {
          name: "largest size of the log",
          value: largest,
          unit: "MiB",
          aim: `≤ ${walCapBytes / MIB}`,
          met: largest <= walCapBytes / MIB,
        },
        { name: "failed reads", value: failed.length, unit: "", aim: "0", met: failed.length === 0 },
      ],
    };
  },
};
