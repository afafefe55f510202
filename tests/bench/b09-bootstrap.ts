/**
 * B9: from the start of a Reflector with an empty folder to the first row that a reader gets, for LDBs of 150 MB and
 * 1 GB, out of a store in a folder. The ctldb is away: nothing but the bootstrap is measured.
 *
 * Peers: the same steps by tools one after the other (sha256sum of both files, `zstd -d`, fsync; without SQLite's check);
 * `zstd -d` and fsync alone; `cp` of the database.
 */
import { mkdirSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import { toSequence } from "../../core/sequence.ts";
import { ignoreCrashPoint } from "../../ldb/crash-points.ts";
import { openLdbFolder } from "../../ldb/ldb-folder.ts";
import { readPosition, writePosition } from "../../ldb/position.ts";
import { openReader } from "../../reader/index.ts";
import { startReflector } from "../../reflector/start.ts";
import { openSnapshotStore } from "../../snapshot/stores/open.ts";
import type { SnapshotStore } from "../../snapshot/stores/store.ts";
import { ctldbAway, MemoryLedger } from "../reflector/memory-ledger.ts";
import { dataPath, makeSnapshot, storeSnapshots } from "../support/make-snapshot.ts";
import { hasS3Server, startS3Server } from "../support/s3-server.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { type Benchmark, type Figure, inTurns, median, ratio, type Verdict } from "./report.ts";

const MIB = 1024 * 1024;
const SIZES = [
  { name: "150 MB", rows: 400_000, rounds: 3, aimSeconds: null },
  { name: "1 GB", rows: 2_700_000, rounds: 2, aimSeconds: 8 },
] as const;

const TABLE = "CREATE TABLE bench___rows (`id` INTEGER PRIMARY KEY NOT NULL, `name` TEXT, `count` INTEGER)";
/** About 370 bytes a row, of which half cannot be compressed. */
const FILL = `INSERT INTO bench___rows
  WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < %ROWS%)
  SELECT n, 'the value of row number ' || n || ' ' || hex(randomblob(160)), n * 7 FROM numbers`;

interface Sample {
  readonly folder: TempFolder;
  readonly url: string;
  readonly objectPath: string;
  readonly databasePath: string;
  readonly plainBytes: number;
  readonly compressedBytes: number;
}

function makeSample(rows: number): Sample {
  const folder = tempFolder("bench");
  const ldb = folder.file("source");
  mkdirSync(ldb);
  const { database, path } = openLdbFolder(ldb, {
    clock: systemClock,
    logger: silentLogger,
    onPoint: ignoreCrashPoint,
  });
  database.run("BEGIN");
  database.execute(TABLE);
  database.execute(FILL.replace("%ROWS%", String(rows)));
  const position = { sequence: toSequence(rows), hash: new Uint8Array(32).fill(1), epoch: "e".repeat(32) };
  writePosition(database, {
    ...readPosition(database),
    ...position,
    ledgerTimestampUs: 1_790_000_000_000_000,
  });
  database.run("COMMIT");
  database.close();
  const made = makeSnapshot(ldb);
  const store = folder.file("store");
  const url = storeSnapshots(store, [made]);
  return {
    folder,
    url,
    objectPath: dataPath(store, made),
    databasePath: path,
    plainBytes: made.manifest.plain.bytes,
    compressedBytes: made.data.length,
  };
}

async function bootstrapOnce({ folder, url }: Sample): Promise<number> {
  settle(folder);
  const ldbFolder = folder.file("ldb");
  const source = new MemoryLedger();
  source.failure = ctldbAway();
  const deps = { source, clock: systemClock, logger: silentLogger, metrics: createMetrics() };
  const startedMs = performance.now();
  const reflector = await startReflector(deps, { ldbFolder, bootstrap: { url, jitterMs: 0 } });
  await until(() => reflector.status().sequence > 0n, {
    what: "the bootstrap",
    deadlineMs: 300_000,
    intervalMs: 2,
  });
  const reader = openReader({ path: join(ldbFolder, "ldb.db") });
  const row = reader.getRowByKey("bench", "rows", 4_711);
  const seconds = (performance.now() - startedMs) / 1000;
  if (row === null) throw new Error("the row is not there");
  reader.close();
  await reflector.stop();
  rmSync(ldbFolder, { recursive: true });
  return seconds;
}

function shell(folder: TempFolder, script: string): number {
  settle(folder);
  const target = folder.file("peer");
  const startedMs = performance.now();
  const { success, stderr } = Bun.spawnSync(["sh", "-c", script, "sh", target]);
  const seconds = (performance.now() - startedMs) / 1000;
  rmSync(target, { force: true });
  if (!success) throw new Error(stderr.toString());
  return seconds;
}

/** What was written before is on the disk when the next contestant starts. */
function settle({ path }: TempFolder): void {
  Bun.gc(true);
  Bun.spawnSync(["sync", "-f", path]);
}

async function measure(size: (typeof SIZES)[number], progress: (text: string) => void) {
  progress(`making a snapshot of ${size.name}`);
  const sample = makeSample(size.rows);
  using _folder = sample.folder;
  const { folder, objectPath, databasePath } = sample;
  progress(`bootstrapping ${size.name}`);
  const seconds = await inTurns(size.rounds, {
    bootstrap: () => bootstrapOnce(sample),
    tools: () =>
      shell(
        folder,
        `sha256sum '${objectPath}' && zstd -q -d -f '${objectPath}' -o "$1" && sha256sum "$1" && sync -f "$1"`,
      ),
    zstd: () => shell(folder, `zstd -q -d -f '${objectPath}' -o "$1" && sync -f "$1"`),
    cp: () => shell(folder, `cp '${realpathSync(databasePath)}' "$1" && sync -f "$1"`),
  });
  return { ...size, ...sample, seconds };
}

/** The same out of S3: Ceph's gateway on this machine, which takes a part of its two cores. */
async function measureS3(progress: (text: string) => void): Promise<Figure[]> {
  if (!hasS3Server) return [];
  const [size] = SIZES;
  progress(`bootstrapping ${size.name} from S3`);
  await using server = await startS3Server();
  // The child processes of the Reflector have the environment of this one.
  Object.assign(process.env, server.env);
  const sample = makeSample(size.rows);
  using _folder = sample.folder;
  const url = await server.bucketUrl();
  await copyStore(sample.folder.file("store"), await openSnapshotStore(url, { credentials: server }));
  const { bootstrap } = await inTurns(size.rounds, { bootstrap: () => bootstrapOnce({ ...sample, url }) });
  return [{ name: `${size.name}: bootstrap from S3 on this machine`, unit: "s", values: bootstrap }];
}

async function copyStore(folder: string, target: SnapshotStore): Promise<void> {
  await using _target = target;
  const signal = new AbortController().signal;
  await using source = await openSnapshotStore(pathToFileURL(folder).href);
  for await (const { key } of source.list("", signal)) {
    await target.uploadFile(key, join(folder, key), { contentType: "application/octet-stream", signal });
  }
}

type Measured = Awaited<ReturnType<typeof measure>>;

function figuresOf({ name, seconds }: Measured): Figure[] {
  return [
    { name: `${name}: bootstrap to the first read`, unit: "s", values: seconds.bootstrap },
    { name: `${name}: sha256sum, zstd -d, sha256sum, fsync`, unit: "s", values: seconds.tools },
    { name: `${name}: zstd -d and fsync`, unit: "s", values: seconds.zstd },
    { name: `${name}: cp and fsync`, unit: "s", values: seconds.cp },
  ];
}

function verdictsOf({ name, aimSeconds, seconds }: Measured): Verdict[] {
  const value = ratio(seconds.bootstrap, seconds.tools);
  const peer = {
    name: `${name}: against those steps by tools`,
    value,
    unit: "×",
    aim: "≤ 1.5",
    met: value <= 1.5,
  };
  if (aimSeconds === null) return [peer];
  const took = median(seconds.bootstrap);
  const aim = `≤ ${aimSeconds} on an idle machine`;
  return [peer, { name: `${name}: bootstrap`, value: took, unit: "s", aim, met: took <= aimSeconds }];
}

export const bootstrapTime: Benchmark = {
  id: "B9",
  title: "bootstrap from a snapshot: download, checks, flip, first read",
  async run(progress) {
    const measured: Measured[] = [];
    for (const size of SIZES) measured.push(await measure(size, progress));
    const fromS3 = await measureS3(progress);
    const sizes = measured.map(
      ({ name, plainBytes, compressedBytes }) =>
        `${name}: ${Math.round(plainBytes / MIB)} MiB, ${Math.round(compressedBytes / MIB)} compressed`,
    );
    return {
      id: this.id,
      title: this.title,
      settings: `store in a folder of the same disk; zstd level 3; ${sizes.join("; ")}`,
      figures: [...measured.flatMap(figuresOf), ...fromS3],
      verdicts: measured.flatMap(verdictsOf),
    };
  },
};
