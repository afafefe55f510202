/**
 * Readers on a read-only bind mount of the LDB's folder, as containers have it, on every runtime (I10, I15, R16): with
 * the writer live, replaced, killed, started again, stopped, and never there.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { whyNoMounts, withReadOnlyView } from "../support/mounts.ts";
import { runProcess, startProcess, type TestProcess } from "../support/process.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { type InstalledReader, installReader, linkAddon, ROOT, runtimeBinary } from "./reader-package.ts";

const FETCH_LIMIT_MS = 15 * 60_000;
const WRITER = join(ROOT, "tests", "ldb", "steady-writer.ts");

interface RuntimeCase {
  readonly name: string;
  readonly arguments: readonly string[];
  readonly addon?: string;
}

const RUNTIMES: readonly RuntimeCase[] = [
  { name: "bun", arguments: [] },
  { name: "node24", arguments: ["--no-warnings"] },
  { name: "node22", arguments: ["--no-warnings"] },
  { name: "node20", arguments: [], addon: "better-sqlite3" },
  { name: "deno", arguments: ["run", "--allow-all", "--no-lock", "--quiet", "--node-modules-dir=manual"] },
];

interface Answer {
  readonly sequence?: number;
  readonly code?: string;
  readonly torn?: unknown;
}

let reader: InstalledReader;
const noMounts = await whyNoMounts();
if (noMounts !== null) console.log(`tests of read-only mounts are skipped: ${noMounts}`);

beforeAll(async () => {
  reader = await installReader();
  copyFileSync(
    join(ROOT, "tests", "reader", "processes", "watch-reader.mjs"),
    reader.folder.file("watch.mjs"),
  );
}, 120_000);

afterAll(() => reader[Symbol.dispose]());

/** The folder's readers of one runtime, each behind a read-only mount of its own. */
class MountedReaders {
  readonly #command: readonly string[];
  readonly #folder: TempFolder;

  constructor(command: readonly string[], folder: TempFolder) {
    this.#command = command;
    this.#folder = folder;
    mkdirSync(folder.file("ldb"));
    mkdirSync(folder.file("view"));
  }

  watch(...more: readonly string[]): TestProcess {
    const { path } = reader.folder;
    const mounted = withReadOnlyView(this.#folder.file("ldb"), this.#folder.file("view"));
    const command = [...this.#command, join(path, "watch.mjs"), this.#folder.file("view"), ...more];
    return startProcess([...mounted, ...command], { cwd: path });
  }

  /** What a reader that was not there before says. */
  async fresh(): Promise<Answer> {
    const process = this.watch("once");
    const exit = await process.exited;
    expect(exit.code, process.stderr).toBe(0);
    return answersOf(process).at(-1) ?? {};
  }
}

/** The runtime itself: what npm links for Deno is a script that starts it, and would be killed in its place. */
async function programOf(name: string): Promise<string> {
  if (name === "bun") return process.execPath;
  const binary = await runtimeBinary(name);
  if (name !== "deno") return binary;
  return (await runProcess([binary, "eval", "console.log(Deno.execPath())"])).stdout.trim();
}

function answersOf(process: TestProcess): Answer[] {
  const whole = process.stdout.slice(0, process.stdout.lastIndexOf("\n") + 1);
  return whole
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Answer);
}

function latestOf(process: TestProcess): number {
  return answersOf(process).at(-1)?.sequence ?? -1;
}

async function startWriter(folder: TempFolder): Promise<TestProcess> {
  const writer = startProcess([process.execPath, WRITER, folder.file("ldb")]);
  await writer.waitForOutput(/ready/);
  return writer;
}

/** Waits until the reader has seen more than it has now. */
async function seesMore(watcher: TestProcess): Promise<void> {
  const before = latestOf(watcher);
  await until(() => latestOf(watcher) > before + 3, { what: `more than ${before}: ${watcher.stderr}` });
}

async function stop(writer: TestProcess): Promise<number> {
  writer.signal("SIGTERM");
  const [, sequence] = await writer.waitForOutput(/closed (\d+)/);
  await writer.exited;
  return Number(sequence);
}

describe("reader on a read-only mount", () => {
  for (const runtime of RUNTIMES) {
    test.skipIf(noMounts !== null)(
      `R16 answers rightly on ${runtime.name} when the writer is not there yet, live, replacing, killed, back, and gone`,
      async () => {
        const binary = await programOf(runtime.name);
        if (runtime.addon !== undefined) linkAddon(reader, binary, runtime.addon);
        using folder = tempFolder("read-only");
        const readers = new MountedReaders([binary, ...runtime.arguments], folder);
        await using watcher = readers.watch();
        await watcher.waitForOutput(/ldb_not_found/);

        await using first = await startWriter(folder);
        await seesMore(watcher);
        for (let flip = 1; flip <= 3; flip++) {
          first.signal("SIGUSR1");
          await first.waitForOutput(new RegExp(`flipped ${flip} `));
          await seesMore(watcher);
        }
        expect((await readers.fresh()).sequence).toBeGreaterThan(0);

        await first.kill();
        const atDeath = await readers.fresh();
        expect(atDeath.sequence).toBeGreaterThan(0);
        await until(() => latestOf(watcher) === atDeath.sequence, { what: "the last committed sequence" });

        await using second = await startWriter(folder);
        await seesMore(watcher);
        const last = await stop(second);
        await until(() => latestOf(watcher) === last, { what: "the sequence at the clean stop" });
        expect(await readers.fresh()).toEqual({ sequence: last });
        await watcher.kill();
        // Nobody has it open any more.
        expect(await readers.fresh()).toEqual({ sequence: last });
        const answers = answersOf(watcher);
        const filled = answers.findIndex(({ sequence }) => sequence !== undefined);
        const before = answers.slice(0, filled).map(({ code }) => code);
        expect(before.filter((code) => code !== "ldb_not_found" && code !== "ldb_empty")).toEqual([]);
        expect(answers.slice(filled).filter(({ code, torn }) => (code ?? torn) !== undefined)).toEqual([]);
      },
      FETCH_LIMIT_MS,
    );
  }
});
