/**
 * B10: a snapshot of an LDB of about 150 MB while a steady load is applied to it: MB/s of each phase, and the longest
 * pause between two commits. Peers: the same load without a snapshot; plain VACUUM INTO and zstd, one after the other.
 *
 * The original stops applying for the whole of what is called "all phases" here.
 */
import { mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import { copyLdb } from "../../ldb/copy-database.ts";
import { startReflector } from "../../reflector/start.ts";
import { FREEZE_PHASES } from "../../snapshot/freeze/contract.ts";
import { freezeSnapshot } from "../../snapshot/freeze/freeze.ts";
import { publishSnapshot } from "../../snapshot/publish/publish.ts";
import { openSnapshotStore } from "../../snapshot/stores/open.ts";
import { MemoryLedger } from "../reflector/memory-ledger.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { type Benchmark, type Figure, inTurns, median, ratio, type Verdict } from "./report.ts";

const ROWS = 200_000;
const ROUNDS = 3;
const LOAD = { rows: 50, everyMs: 10 };
const POLL_MS = 5;
const MIB = 1024 * 1024;
const never = new AbortController().signal;

const WORDS = Array.from({ length: 512 }, (_, i) => ((i * 2_654_435_761) >>> 7).toString(36));

/** Some 650 bytes of text that compresses about as configuration does. */
function rowText(i: number): string {
  let text = "";
  for (let k = 0; k < 90; k++) text += `${WORDS[(i * 31 + k * k * 7) & 511]} `;
  return text;
}

function put(i: number): string {
  return `REPLACE INTO bench___rows ("id","text","count") VALUES('key-${i % ROWS}','${rowText(i)}',${i})`;
}

interface World extends AsyncDisposable {
  readonly ldbFolder: string;
  readonly databasePath: () => string;
  readonly folder: TempFolder;
  /** The longest time between two commits while something runs, under the load. */
  longestPauseMs(work: () => Promise<void>): Promise<number>;
}

async function makeWorld(walCapBytes?: number): Promise<World> {
  const folder = tempFolder("bench");
  const ledger = new MemoryLedger();
  ledger.append(
    'CREATE TABLE bench___rows ("id" VARCHAR(191), "text" TEXT, "count" INTEGER, PRIMARY KEY("id"));',
  );
  let next = 0;
  const feed = (rows: number) => ledger.appendTransaction(...Array.from({ length: rows }, () => put(next++)));
  for (let i = 0; i < ROWS; i += 1_000) feed(1_000);
  let committedMs = 0;
  let longestMs = 0;
  const ldbFolder = folder.file("ldb");
  const reflector = await startReflector(
    { source: ledger, clock: systemClock, logger: silentLogger, metrics: createMetrics() },
    {
      ldbFolder,
      pollIntervalMs: POLL_MS,
      ...(walCapBytes === undefined ? {} : { walCapBytes }),
      onPoint(point) {
        if (point !== "after-commit") return;
        const nowMs = performance.now();
        longestMs = Math.max(longestMs, nowMs - committedMs);
        committedMs = nowMs;
      },
    },
  );
  await until(() => reflector.status().state === "current", { what: "the rows", deadlineMs: 120_000 });
  // What was applied is of no use any more.
  ledger.prunedBelow = ledger.head;
  ledger.entries = ledger.entries.slice(-1);
  return {
    ldbFolder,
    folder,
    databasePath: () => reflector.status().ldb.path,
    async longestPauseMs(work) {
      const load = setInterval(() => feed(LOAD.rows), LOAD.everyMs);
      await new Promise((resolve) => setTimeout(resolve, 300));
      longestMs = 0;
      committedMs = performance.now();
      await work();
      longestMs = Math.max(longestMs, performance.now() - committedMs);
      clearInterval(load);
      return longestMs;
    },
    async [Symbol.asyncDispose]() {
      await reflector.stop();
      folder[Symbol.dispose]();
    },
  };
}

interface Measured {
  readonly phases: Record<string, number[]>;
  readonly plainBytes: number;
}

/** One snapshot, frozen and published into a folder, as a Supervisor does it. */
async function snapshotOnce(world: World, measured: Record<string, number[]>): Promise<number> {
  const storeFolder = world.folder.file("store");
  rmSync(storeFolder, { recursive: true, force: true });
  mkdirSync(storeFolder);
  await using store = await openSnapshotStore(pathToFileURL(storeFolder).href);
  const startedMs = performance.now();
  using frozen = await freezeSnapshot(
    {
      databasePath: world.databasePath(),
      ldbFolder: world.ldbFolder,
      compression: "zstd",
      compressionLevel: 3,
      legacy: null,
      allowSkips: false,
      supervisorId: "bench",
    },
    { signal: never },
  );
  const frozenMs = performance.now();
  await publishSnapshot({ store, clock: systemClock }, frozen, {
    supervisorId: "bench",
    newEpoch: false,
    retention: { keep: 1, keepForMs: 0 },
    signal: never,
  });
  const { bytes } = frozen.manifest.plain;
  const add = (name: string, seconds: number) => {
    measured[name] = [...(measured[name] ?? []), bytes / MIB / seconds];
  };
  for (const phase of FREEZE_PHASES.slice(1)) add(phase, frozen.seconds[phase]);
  add("publish", (performance.now() - frozenMs) / 1000);
  add("all phases", (performance.now() - startedMs) / 1000);
  return bytes;
}

/** MB/s of copying and compressing alone, with nothing else going on. */
function peers(world: World): { readonly vacuum: number; readonly zstd: number } {
  const target = world.folder.file("peer.db");
  rmSync(target, { force: true });
  const startedMs = performance.now();
  copyLdb(world.databasePath(), target);
  const copiedMs = performance.now();
  const plain = readFileSync(target);
  const readMs = performance.now();
  Bun.zstdCompressSync(plain, { level: 3 });
  const mib = statSync(target).size / MIB;
  return {
    vacuum: mib / ((copiedMs - startedMs) / 1000),
    zstd: mib / ((performance.now() - readMs) / 1000),
  };
}

async function pauses(
  world: World,
  phases: Measured["phases"],
): Promise<Record<"idle" | "snapshot", number[]>> {
  // As long as a snapshot takes: the longer one looks, the longer is the longest.
  let tookMs = 0;
  return inTurns(ROUNDS, {
    snapshot: () =>
      world.longestPauseMs(async () => {
        const startedMs = performance.now();
        await snapshotOnce(world, phases);
        tookMs = performance.now() - startedMs;
      }),
    idle: () => world.longestPauseMs(() => new Promise((resolve) => setTimeout(resolve, tookMs))),
  });
}

function verdictOf(name: string, values: readonly number[]): Verdict {
  const value = median(values);
  return { name, value, unit: "ms", aim: "≤ 50", met: value <= 50 };
}

function factorOf(name: string, { snapshot, idle }: Record<"idle" | "snapshot", number[]>): Verdict {
  return { name, value: ratio(snapshot, idle), unit: "×", aim: "(none set)", met: true };
}

export const snapshotPause: Benchmark = {
  id: "B10",
  title: "a snapshot while 5,000 rows/s are applied",
  async run(progress) {
    const figures: Figure[] = [];
    const verdicts: Verdict[] = [];
    let mib = 0;
    {
      await using world = await makeWorld();
      mib = statSync(world.databasePath()).size / MIB;
      progress("peers");
      const alone = Array.from({ length: ROUNDS }, () => peers(world));
      progress("snapshots under load");
      const phases: Measured["phases"] = {};
      const longest = await pauses(world, phases);
      const unit = "MiB/s";
      figures.push(
        { name: "peer: VACUUM INTO, alone", unit, values: alone.map(({ vacuum }) => vacuum) },
        { name: "peer: zstd -3 of a buffer, alone", unit, values: alone.map(({ zstd }) => zstd) },
        ...Object.entries(phases).map(([name, values]) => ({
          name: `ours, under load: ${name}`,
          unit,
          values,
        })),
        { name: "longest pause without a snapshot", unit: "ms", values: longest.idle },
        { name: "longest pause with a snapshot", unit: "ms", values: longest.snapshot },
      );
      verdicts.push(
        verdictOf("longest pause of applying", longest.snapshot),
        factorOf("the same, against that without a snapshot", longest),
      );
    }
    {
      progress("the same with a log that is over its cap all the time");
      await using world = await makeWorld(4 * MIB);
      const longest = await pauses(world, {});
      figures.push(
        { name: "log capped at 4 MiB: longest pause without", unit: "ms", values: longest.idle },
        { name: "log capped at 4 MiB: longest pause with", unit: "ms", values: longest.snapshot },
      );
      verdicts.push(verdictOf("longest pause when the log is over its cap", longest.snapshot));
    }
    return {
      id: this.id,
      title: this.title,
      settings: `an LDB of ${Math.round(mib)} MiB, ${ROWS} rows; ledger transactions of ${LOAD.rows} rows every ${LOAD.everyMs} ms, polled every ${POLL_MS} ms; store in a folder; the child process at the lowest priority`,
      figures,
      verdicts,
    };
  },
};
