/**
 * B14: cold start: of the host binaries and of the command line, each as a whole process, of a Reflector until it
 * answers, and of the reader from import to its first row.
 */
import { join } from "node:path";
import { binaryOf } from "../support/binaries.ts";
import { startProcess } from "../support/process.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";
import { emptyBinary } from "./empty-binary.ts";
import { type Benchmark, inTurns, median } from "./report.ts";
import { applyLedgerTo, sampleKey, sampleLedger } from "./sample-ldb.ts";

const ROUNDS = 15;
const AIM_MS = 60;

const NAMES = {
  floor: "a binary that does nothing (the floor)",
  reflectorVersion: "ctlstore-reflector --version, the binary",
  reflectorHelp: "ctlstore-reflector --help, the binary",
  reflectorUp: "ctlstore-reflector until it answers, the binary",
  help: "ctlstore --help, the binary",
  empty: "an empty script (the floor from source)",
  sourceHelp: "ctlstore reflector --help, from source",
  sourceVersion: "ctlstore --version, from source; asks git too",
  read: "open a reader and read one row",
} as const;
type Name = keyof typeof NAMES;

const WITH_AIM: readonly Name[] = ["reflectorVersion", "reflectorHelp", "help", "sourceHelp", "read"];

async function millis(command: readonly string[]): Promise<number> {
  const startedMs = performance.now();
  const exit = await startProcess(command).exited;
  if (exit.code !== 0) throw new Error(`${command.join(" ")} ended with ${exit.code}`);
  return performance.now() - startedMs;
}

/** From the start of the process until it says where it listens: the LDB is open then. */
async function millisUntilUp(binary: string, folder: TempFolder): Promise<number> {
  const startedMs = performance.now();
  const ctldb = `sqlite:${folder.file("none.db")}`;
  const flags = [
    "--ctldb",
    ctldb,
    "--ldb",
    folder.file("up"),
    "--bind",
    "127.0.0.1:0",
    "--log-level",
    "silent",
  ];
  await using reflector = startProcess([binary, ...flags]);
  await reflector.waitForOutput(/status on http/);
  return performance.now() - startedMs;
}

/** A script that opens a reader of a small LDB and reads one row. */
async function readingScript(folder: TempFolder): Promise<string> {
  applyLedgerTo(folder.path, sampleLedger(1_000, 100), 2_000);
  const path = join(folder.path, "ldb.db");
  const script = folder.file("read.ts");
  const reader = join(import.meta.dir, "../../reader/index.ts");
  await Bun.write(
    script,
    `import { openReader } from ${JSON.stringify(reader)};\nusing reader = openReader({ path: ${JSON.stringify(path)} });\nif (reader.getRowByKey("bench", "rows", ${JSON.stringify(sampleKey(7))}) === null) process.exit(1);\n`,
  );
  return script;
}

export const coldStart: Benchmark = {
  id: "B14",
  title: "cold start",
  async run(progress) {
    using folder = tempFolder("bench");
    const script = await readingScript(folder);
    progress("compiling");
    const floor = await emptyBinary(folder);
    const { path: reflector } = await binaryOf("ctlstore-reflector");
    const { path: full } = await binaryOf("ctlstore");
    progress("starting processes");
    const bun = process.execPath;
    const times = await inTurns<Name>(ROUNDS, {
      floor: () => millis([floor]),
      reflectorVersion: () => millis([reflector, "--version"]),
      reflectorHelp: () => millis([reflector, "--help"]),
      reflectorUp: () => millisUntilUp(reflector, folder),
      help: () => millis([full, "--help"]),
      empty: () => millis([bun, folder.file("empty.ts")]),
      sourceHelp: () => millis([bun, "cli/main.ts", "reflector", "--help"]),
      sourceVersion: () => millis([bun, "cli/main.ts", "--version"]),
      read: () => millis([bun, script]),
    });
    return {
      id: this.id,
      title: this.title,
      settings:
        "whole processes, files in the page cache; from the start until the end unless it says otherwise",
      figures: (Object.keys(NAMES) as Name[]).map((name) => ({
        name: NAMES[name],
        unit: "ms",
        values: times[name],
      })),
      verdicts: WITH_AIM.map((name) => {
        const value = median(times[name]);
        return { name: NAMES[name], value, unit: "ms", aim: `≤ ${AIM_MS}`, met: value <= AIM_MS };
      }),
    };
  },
};
