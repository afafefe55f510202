/**
 * B16: what readers feel of a flip: 16 processes read about every millisecond while a writer goes on writing and now and
 * then puts another generation in place. The same moments without a flip tell what the machine itself does.
 */
import { join } from "node:path";
import { type HotReaderReport, startHotReaders } from "../ldb/hot-readers.ts";
import { startProcess, type TestProcess } from "../support/process.ts";
import { ROOT } from "../support/services.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { type Benchmark, percentile } from "./report.ts";

const READERS = 16;
const FLIPS = 20;
const PAUSE_MS = 1;
const BETWEEN_MS = 400;
/** Readers notice within the interval at which they look at the path, if not told before by the mark. */
const AFTER_MS = 150;

interface Moment {
  readonly fromMs: number;
  readonly toMs: number;
}

async function flipOften(writer: TestProcess, progress: (text: string) => void): Promise<Moment[]> {
  const moments: Moment[] = [];
  for (let flip = 1; flip <= FLIPS; flip++) {
    progress(`flip ${flip} of ${FLIPS}`);
    await Bun.sleep(BETWEEN_MS);
    writer.signal("SIGUSR1");
    const [, from, to] = await writer.waitForOutput(new RegExp(`flipped ${flip} \\d+ ([\\d.]+) ([\\d.]+)`));
    moments.push({ fromMs: Number(from), toMs: Number(to) + AFTER_MS });
  }
  await Bun.sleep(BETWEEN_MS);
  return moments;
}

/** The slowest read of each reader in each moment; 0 stands for "all below a millisecond". */
function slowestIn(moments: readonly Moment[], reports: readonly HotReaderReport[]): number[] {
  return moments.flatMap(({ fromMs, toMs }) =>
    reports.map(({ slow }) =>
      Math.max(
        0,
        ...slow
          .filter(({ atMs, millis }) => atMs <= toMs && atMs + millis >= fromMs)
          .map(({ millis }) => millis),
      ),
    ),
  );
}

export const flipUnderReaders: Benchmark = {
  id: "B16",
  title: "generation flip under reading processes",
  async run(progress) {
    using folder = tempFolder("bench");
    const program = join(ROOT, "tests", "ldb", "steady-writer.ts");
    await using writer = startProcess([process.execPath, program, folder.path]);
    await writer.waitForOutput(/ready/);
    progress("starting the readers");
    await using readers = await startHotReaders(READERS, folder.path, PAUSE_MS);
    const flips = await flipOften(writer, progress);
    const reports = await readers.stop();
    // Halfway between two flips.
    const calm = flips.map(({ fromMs, toMs }) => ({ fromMs: fromMs - 200, toMs: toMs - 200 - AFTER_MS }));
    const atFlip = slowestIn(flips, reports);
    const failed = reports.filter(({ failure }) => failure !== null);
    const worst = Math.max(...atFlip);
    return {
      id: this.id,
      title: this.title,
      settings: `${READERS} processes, a read every ${PAUSE_MS} ms each; ${FLIPS} flips, a write every 2 ms`,
      figures: [
        { name: "mean read", unit: "µs", values: reports.map(({ meanMs }) => meanMs * 1_000) },
        { name: "slowest read of a reader at a flip, p50", unit: "ms", values: [percentile(atFlip, 0.5)] },
        { name: "slowest read of a reader at a flip, p95", unit: "ms", values: [percentile(atFlip, 0.95)] },
        {
          name: "slowest read of a reader between flips, max",
          unit: "ms",
          values: [Math.max(...slowestIn(calm, reports))],
        },
      ],
      verdicts: [
        { name: "slowest read at a flip", value: worst, unit: "ms", aim: "≤ 20", met: worst <= 20 },
        { name: "failed reads", value: failed.length, unit: "", aim: "0", met: failed.length === 0 },
      ],
      notes: failed.map(({ failure }) => `failed: ${failure}`),
    };
  },
};
