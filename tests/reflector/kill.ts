/**
 * R11: kills real Reflector processes, again and again on the same LDB, and looks at what each left behind.
 *
 * After every kill: rows, sequence and hash are those of one and the same committed moment (I4), no part of a ledger
 * transaction is there (I6), and the sequence never went back (I5).
 */
import { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import { hashToHex, nextLink } from "../../core/ledger/chain.ts";
import { BEGIN_MARKER, COMMIT_MARKER } from "../../core/ledger/statements.ts";
import { CRASH_POINTS } from "../../ldb/crash-points.ts";
import { dumpSqliteDatabase } from "../support/dump-rows.ts";
import { startProcess } from "../support/process.ts";
import { seededRandom } from "../support/suite.ts";
import { tempFolder } from "../support/temp-folder.ts";
import type { MemoryLedger } from "./memory-ledger.ts";
import { randomLedger } from "./random-ledger.ts";

const STATEMENTS = 4_000;
const CHILD = new URL("./kill-child.ts", import.meta.url).pathname;

export interface KillOptions {
  readonly kills: number;
  readonly seed: number;
  readonly onKill?: (done: number) => void;
}

export interface KillSummary {
  readonly kills: number;
  /** Kills at each named point, and at random moments. */
  readonly at: Readonly<Record<string, number>>;
  readonly completed: number;
}

/** @throws Error naming the seed and the kill after which an LDB was not as it must be */
export async function runKills(options: KillOptions): Promise<KillSummary> {
  const random = seededRandom(options.seed);
  const at: Record<string, number> = {};
  let kills = 0;
  let completed = 0;
  while (kills < options.kills) {
    using folder = tempFolder("kill");
    const ledgerSeed = Math.floor(random() * 2 ** 31);
    const model = new Model(randomLedger(ledgerSeed, STATEMENTS));
    for (let complete = false; !complete && kills < options.kills; ) {
      const moment = chooseMoment(random, kills);
      complete = await runOnce(folder.path, ledgerSeed, moment);
      if (!complete) {
        kills += 1;
        at[moment.name] = (at[moment.name] ?? 0) + 1;
        options.onKill?.(kills);
      }
      const what = `kill ${kills} at ${moment.name} (seed ${options.seed}, ledger seed ${ledgerSeed})`;
      model.check(folder.file("ldb.db"), what);
      if (complete) model.expectHead(what);
      completed += complete ? 1 : 0;
    }
  }
  return { kills, at, completed };
}

interface Moment {
  readonly name: string;
  readonly point: string;
  readonly reachedBefore: number;
  readonly afterMs: number | null;
}

/** Each named point in turn, and every third time a random moment. */
function chooseMoment(random: () => number, kills: number): Moment {
  if (kills % 3 === 2) {
    return { name: "random", point: "none", reachedBefore: 0, afterMs: 30 + random() * 150 };
  }
  const point = CRASH_POINTS[Math.floor((kills * 2) / 3) % CRASH_POINTS.length] ?? "before-fetch";
  const reachedBefore = point === "during-flip" ? 0 : Math.floor(random() * 6);
  return { name: point, point, reachedBefore, afterMs: null };
}

/** True when the child came to the end of the ledger instead of being killed. */
async function runOnce(ldbFolder: string, seed: number, moment: Moment): Promise<boolean> {
  const { point, reachedBefore, afterMs } = moment;
  const args = [ldbFolder, String(seed), String(STATEMENTS), point, String(reachedBefore)];
  await using child = startProcess([process.execPath, CHILD, ...args]);
  const timer = afterMs === null ? null : setTimeout(() => child.signal("SIGKILL"), afterMs);
  const exit = await child.exited;
  if (timer !== null) clearTimeout(timer);
  if (exit.signal === "SIGKILL") return false;
  if (exit.code !== 0) throw new Error(`the Reflector failed instead of being killed:\n${child.stderr}`);
  return true;
}

/** What the LDB must hold at each sequence, replayed beside it in memory. */
class Model {
  readonly #ledger: MemoryLedger;
  readonly #database = new Database(":memory:", { safeIntegers: true });
  #at = 0;
  #hash: Uint8Array;
  #inside = false;

  constructor(ledger: MemoryLedger) {
    this.#ledger = ledger;
    this.#hash = ledger.origin;
  }

  check(path: string, what: string): void {
    if (!existsSync(path)) return; // killed before there was an LDB
    const ldb = new Database(path, { readonly: true, safeIntegers: true });
    try {
      const found = ldb.query<{ seq: bigint }, []>("SELECT seq FROM _ldb_seq").get()?.seq ?? 0n;
      this.#replayTo(Number(found), what);
      const hash = ldb.query<{ hash: Uint8Array | null }, []>("SELECT hash FROM _ldb_meta").get()?.hash;
      const expectedHash = found === 0n ? null : hashToHex(this.#hash);
      equal(hash == null ? null : hashToHex(hash), expectedHash, `hash after ${what}`);
      equal(
        JSON.stringify(dumpSqliteDatabase(ldb)),
        JSON.stringify(dumpSqliteDatabase(this.#database)),
        `rows after ${what}`,
      );
      equal(JSON.stringify(ldb.query("PRAGMA integrity_check").all()), '[{"integrity_check":"ok"}]', what);
    } finally {
      ldb.close();
    }
  }

  expectHead(what: string): void {
    equal(BigInt(this.#at), this.#ledger.head, `the end of the ledger after ${what}`);
  }

  #replayTo(sequence: number, what: string): void {
    if (sequence < this.#at)
      throw new Error(`I5: the sequence went back from ${this.#at} to ${sequence} after ${what}`);
    for (; this.#at < sequence; this.#at++) {
      const entry = this.#ledger.entries[this.#at];
      if (entry === undefined) throw new Error(`sequence ${sequence} is not in the ledger after ${what}`);
      this.#hash = nextLink(this.#hash, entry);
      if (entry.statement === BEGIN_MARKER) this.#inside = true;
      else if (entry.statement === COMMIT_MARKER) this.#inside = false;
      else this.#database.run(entry.statement);
    }
    if (this.#inside)
      throw new Error(`I6: sequence ${sequence} lies inside a ledger transaction after ${what}`);
  }
}

function equal<T>(found: T, expected: T, what: string): void {
  if (found !== expected) throw new Error(`${what}: found ${String(found)}, expected ${String(expected)}`);
}
