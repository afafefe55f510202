/**
 * Kills real Reflectors in the middle of a bootstrap, again and again on the same LDB, with their child processes left
 * to end by themselves.
 *
 * After every kill readers have one whole committed state: the one before the bootstrap, or one from the snapshot on.
 * Whatever was killed, the next start ends where an LDB ends that nobody killed.
 */
import { Database } from "bun:sqlite";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../../core/process/clock.ts";
import { silentLogger } from "../../../core/process/logger.ts";
import { BOOTSTRAP_CRASH_POINTS } from "../../../ldb/crash-points.ts";
import { OldGenerations } from "../../../ldb/old-generations.ts";
import { dumpSqliteFile, type RowsDump } from "../../support/dump-rows.ts";
import { makeSnapshot, storeSnapshots } from "../../support/make-snapshot.ts";
import { startProcess } from "../../support/process.ts";
import { replayLedger } from "../../support/replay-ledger.ts";
import { seededRandom } from "../../support/suite.ts";
import { type TempFolder, tempFolder } from "../../support/temp-folder.ts";
import { until } from "../../support/until.ts";
import { reflect } from "../harness.ts";
import type { MemoryLedger } from "../memory-ledger.ts";
import { randomLedger } from "../random-ledger.ts";

const STATEMENTS = 900;
const OLD_AT = 200;
const SNAPSHOT_AT = 600;
const CHILD = new URL("./kill-child.ts", import.meta.url).pathname;
const POINTS = [...BOOTSTRAP_CRASH_POINTS, "during-flip"] as const;

export interface BootstrapKillOptions {
  readonly kills: number;
  readonly seed: number;
}

export interface BootstrapKillSummary {
  readonly kills: number;
  readonly at: Readonly<Record<string, number>>;
  readonly completed: number;
}

/** @throws Error naming the seed and the kill after which an LDB was not as it must be */
export async function runBootstrapKills({
  kills,
  seed,
}: BootstrapKillOptions): Promise<BootstrapKillSummary> {
  const random = seededRandom(seed);
  const at: Record<string, number> = {};
  let done = 0;
  let completed = 0;
  while (done < kills) {
    using folder = tempFolder("bootstrap-kill");
    const ledgerSeed = Math.floor(random() * 2 ** 31);
    const world = await makeWorld(folder, { ledgerSeed, hasOldLdb: random() < 0.5 });
    for (let complete = false; !complete; ) {
      const moment = done < kills ? chooseMoment(random, done) : NEVER;
      const what = `kill ${done + 1} at ${moment.name} (seed ${seed}, ledger seed ${ledgerSeed})`;
      complete = await runOnce(world, moment);
      if (!complete) {
        done += 1;
        at[moment.name] = (at[moment.name] ?? 0) + 1;
      }
      world.check(what);
      if (complete) await world.checkEnd(what);
    }
    completed += 1;
  }
  return { kills: done, at, completed };
}

interface World {
  readonly ldb: string;
  readonly args: readonly string[];
  check(what: string): void;
  checkEnd(what: string): Promise<void>;
}

async function makeWorld(
  folder: TempFolder,
  { ledgerSeed, hasOldLdb }: { readonly ledgerSeed: number; readonly hasOldLdb: boolean },
): Promise<World> {
  const ledger = randomLedger(ledgerSeed, STATEMENTS);
  const ldb = folder.file("ldb");
  const oldAt = boundaryAfter(ledger, OLD_AT);
  const snapshotAt = boundaryAfter(ledger, SNAPSHOT_AT);
  const made = folder.file("made");
  await applyUntil(ledger, made, snapshotAt);
  const url = storeSnapshots(folder.file("store"), [makeSnapshot(made)]);
  if (hasOldLdb) await applyUntil(ledger, ldb, oldAt);
  return {
    ldb,
    args: [ldb, url, String(ledgerSeed), String(STATEMENTS), String(snapshotAt)],
    check: (what) => checkState(ldb, ledger, { oldAt: hasOldLdb ? oldAt : 0, snapshotAt, what }),
    async checkEnd(what) {
      equal(
        dumpSqliteFile(join(ldb, "ldb.db")),
        replayLedger(ledger.entries),
        `the rows at the end after ${what}`,
      );
      const left = readdirSync(ldb).filter((name) => name.startsWith("bootstrap") || name.startsWith(".ldb"));
      equal(left, [], `left-overs in the LDB's folder after ${what}`);
      // A child that still looks at the old one keeps it for a moment.
      const old = new OldGenerations(ldb, { logger: silentLogger, clock: systemClock });
      await until(
        () => {
          Bun.gc(true); // statements of this test that are not freed yet hold it too
          old.sweep();
          return readdirSync(join(ldb, "generations")).length === 1;
        },
        { what: `one generation after ${what}` },
      );
    },
  };
}

async function applyUntil(ledger: MemoryLedger, folder: string, sequence: number): Promise<void> {
  await using reflector = await reflect(ledger.restoredAt(sequence), folder);
  await reflector.applies(BigInt(sequence));
}

/** The first sequence from there on that lies outside a ledger transaction. */
function boundaryAfter(ledger: MemoryLedger, from: number): number {
  return from + ledger.entries.slice(from).findIndex(({ statement }) => statement.endsWith("COMMIT")) + 1;
}

interface Moment {
  readonly name: string;
  readonly point: string;
  readonly reachedBefore: number;
  readonly afterMs: number | null;
}

const NEVER: Moment = { name: "never", point: "none", reachedBefore: 0, afterMs: null };

/** Each named point in turn, and every third time a random moment. */
function chooseMoment(random: () => number, kills: number): Moment {
  if (kills % 3 === 2) return { ...NEVER, name: "random", afterMs: 50 + random() * 700 };
  const point = POINTS[Math.floor((kills * 2) / 3 + (kills % 3)) % POINTS.length] ?? "before-flip";
  return { name: point, point, reachedBefore: 0, afterMs: null };
}

/** True when the Reflector came to the end of the ledger instead of being killed. */
async function runOnce({ args }: World, moment: Moment): Promise<boolean> {
  const command = [process.execPath, CHILD, ...args, moment.point, String(moment.reachedBefore)];
  await using child = startProcess(command);
  const timer = moment.afterMs === null ? null : setTimeout(() => child.signal("SIGKILL"), moment.afterMs);
  const exit = await child.exited;
  if (timer !== null) clearTimeout(timer);
  if (exit.signal === "SIGKILL") return false;
  if (exit.code !== 0) throw new Error(`the Reflector failed instead of being killed:\n${child.stderr}`);
  return true;
}

interface Expected {
  readonly oldAt: number;
  readonly snapshotAt: number;
  readonly what: string;
}

function checkState(ldb: string, ledger: MemoryLedger, { oldAt, snapshotAt, what }: Expected): void {
  const path = join(ldb, "ldb.db");
  if (!existsSync(path)) {
    equal(oldAt, 0, `an LDB that is gone after ${what}`);
    return;
  }
  const sequence = sequenceOf(path);
  const isOneOfThem = sequence === oldAt || sequence >= snapshotAt;
  equal(isOneOfThem, true, `sequence ${sequence}, neither ${oldAt} nor from ${snapshotAt} on, after ${what}`);
  const rows: RowsDump = replayLedger(ledger.entries.slice(0, sequence));
  equal(dumpSqliteFile(path), rows, `rows at ${sequence} after ${what}`);
}

function sequenceOf(path: string): number {
  const database = new Database(path, { readonly: true });
  try {
    const check = database.query<{ integrity_check: string }, []>("PRAGMA integrity_check").get();
    equal(check?.integrity_check, "ok", `SQLite's check of ${path}`);
    return database.query<{ seq: number }, []>("SELECT seq FROM _ldb_seq").get()?.seq ?? 0;
  } finally {
    database.close();
  }
}

function equal(found: unknown, expected: unknown, what: string): void {
  const texts = [found, expected].map((value) => JSON.stringify(value));
  if (texts[0] !== texts[1]) {
    throw new Error(`${what}: found ${texts[0]?.slice(0, 500)}, expected ${texts[1]?.slice(0, 500)}`);
  }
}
