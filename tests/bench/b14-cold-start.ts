/** B14: cold start: of the command line, and of the reader from import to its first row, each as a whole process. */
import { join } from "node:path";
import { startProcess } from "../support/process.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { type Benchmark, inTurns, median } from "./report.ts";
import { applyLedgerTo, sampleKey, sampleLedger } from "./sample-ldb.ts";

const ROUNDS = 15;

async function millis(command: readonly string[]): Promise<number> {
  const startedMs = performance.now();
  const exit = await startProcess(command).exited;
  if (exit.code !== 0) throw new Error(`${command.join(" ")} ended with ${exit.code}`);
  return performance.now() - startedMs;
}

export const coldStart: Benchmark = {
  id: "B14",
  title: "cold start",
  async run(progress) {
    using folder = tempFolder("bench");
    applyLedgerTo(folder.path, sampleLedger(1_000, 100), 2_000);
    const path = join(folder.path, "ldb.db");
    const script = folder.file("read.ts");
    const reader = join(import.meta.dir, "../../reader/index.ts");
    await Bun.write(
      script,
      `import { openReader } from ${JSON.stringify(reader)};\nusing reader = openReader({ path: ${JSON.stringify(path)} });\nif (reader.getRowByKey("bench", "rows", ${JSON.stringify(sampleKey(7))}) === null) process.exit(1);\n`,
    );
    const empty = folder.file("empty.ts");
    await Bun.write(empty, "");
    progress("starting processes");
    const times = await inTurns(ROUNDS, {
      empty: () => millis([process.execPath, empty]),
      version: () => millis([process.execPath, "cli/main.ts", "--version"]),
      help: () => millis([process.execPath, "cli/main.ts", "reflector", "--help"]),
      read: () => millis([process.execPath, script]),
    });
    const verdicts = (["version", "help", "read"] as const).map((name) => {
      const value = median(times[name]);
      return { name: `${name}`, value, unit: "ms", aim: "≤ 60", met: value <= 60 };
    });
    return {
      id: this.id,
      title: this.title,
      settings:
        "bun running the sources, not a compiled binary; starting a process costs what the empty script takes",
      figures: [
        { name: "an empty script (the floor)", unit: "ms", values: times.empty },
        { name: "ctlstore --version", unit: "ms", values: times.version },
        { name: "ctlstore reflector --help", unit: "ms", values: times.help },
        { name: "open a reader and read one row", unit: "ms", values: times.read },
      ],
      verdicts,
    };
  },
};
