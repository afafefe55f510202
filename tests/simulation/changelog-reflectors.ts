/**
 * The Reflectors of a random run of the changelog, each in a process of its own: most are killed, at named points or at
 * random ones, some replace the LDB, until one has come to the end of the ledger.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { CHANGELOG_FILE_NAME } from "../../core/changelog/format.ts";
import { BOOTSTRAP_CRASH_POINTS, CHANGELOG_CRASH_POINTS, CRASH_POINTS } from "../../ldb/crash-points.ts";
import { snapshotAt } from "../reflector/bootstrap/harness.ts";
import { storeSnapshots } from "../support/make-snapshot.ts";
import { startProcess, type TestProcess } from "../support/process.ts";
import { seededRandom } from "../support/suite.ts";
import type { TempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { boundaryAfter, changesLedger } from "./changelog-ledger.ts";
import type { ReflectorOrder } from "./changelog-reflector-child.ts";

const CHILD = new URL("./changelog-reflector-child.ts", import.meta.url).pathname;

/** Enough that nothing is ever forgotten in a run. */
export const ALL_FILES = 1_000;

/** What a run has, all of it chosen by its seed. */
export interface Plan {
  readonly seed: number;
  /** Length of the ledger. */
  readonly statements: number;
  readonly kills: number;
  readonly flips: number;
  readonly order: Pick<ReflectorOrder, "changelog" | "pollRows" | "transactionStatements">;
}

export function planOf(seed: number): Plan {
  const random = seededRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const flips = random() < 0.4 ? 1 + below(2) : 0;
  return {
    seed,
    statements: 120 + below(300),
    kills: below(7),
    flips,
    order: {
      changelog: { fileBytes: 300 + below(8_000), files: random() < 0.3 ? 1 + below(3) : ALL_FILES },
      pollRows: 5 + below(60),
      transactionStatements: 1 + below(40),
    },
  };
}

interface Moment {
  readonly name: string;
  readonly point: string;
  readonly afterMs: number | null;
}

const NEVER: Moment = { name: "never", point: "none", afterMs: null };
const AT_FIRST_FILE: Moment = { name: "first-file", point: "none", afterMs: null };

export class Reflectors {
  readonly #plan: Plan;
  readonly #folder: TempFolder;
  readonly #random: () => number;
  readonly #waiting = new Set<() => void>();
  /** Reflectors killed, by where. */
  readonly kills: Record<string, number> = {};
  /** What each of them logged. */
  readonly told: string[] = [];
  flips = 0;
  /** Whether nothing comes any more, and whether that is because one failed. */
  readonly state = { done: false, failed: false };

  constructor(plan: Plan, folder: TempFolder) {
    this.#plan = plan;
    this.#folder = folder;
    this.#random = seededRandom(plan.seed + 1);
  }

  get ldb(): string {
    return this.#folder.file("ldb");
  }

  get changelog(): string {
    return join(this.ldb, CHANGELOG_FILE_NAME);
  }

  /** Calls back when nothing comes any more, unless that was forgotten. */
  whenDone(tell: () => void): { forget(): void } {
    if (this.state.done) tell();
    this.#waiting.add(tell);
    return { forget: () => void this.#waiting.delete(tell) };
  }

  async run(): Promise<void> {
    try {
      await this.#reflect(await this.#makeStores());
    } catch (error) {
      this.state.failed = true;
      throw error;
    } finally {
      this.state.done = true;
      for (const tell of this.#waiting) tell();
    }
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  /** Snapshots to replace the LDB from, at random places of the ledger. */
  async #makeStores(): Promise<string[]> {
    const { ledger } = changesLedger(this.#plan.seed, this.#plan.statements);
    const stores: string[] = [];
    for (let i = 0; i < this.#plan.flips; i++) {
      const sequence = boundaryAfter(ledger, 10 + this.#below(this.#plan.statements - 60));
      stores.push(storeSnapshots(this.#folder.file(`store-${i}`), [await snapshotAt(ledger, sequence)]));
    }
    return stores;
  }

  /** One Reflector after the other, most of them killed, until one has come to the end of the ledger. */
  async #reflect(stores: readonly string[]): Promise<void> {
    const left = { kills: this.#plan.kills, stores: [...stores] };
    let complete = false;
    while (!complete || left.stores.length > 0) {
      const isFlip = left.stores.length > 0 && (complete || this.#random() < 0.5);
      const flipTo = isFlip ? (left.stores[0] ?? null) : null;
      const moment = left.kills > 0 ? this.#chooseMoment(isFlip) : NEVER;
      complete = await this.#reflectOnce(flipTo, moment);
      if (!complete) {
        left.kills -= 1;
        this.kills[moment.name] = (this.kills[moment.name] ?? 0) + 1;
      } else if (isFlip) {
        left.stores.shift();
        this.flips += 1;
      }
    }
  }

  #chooseMoment(isFlip: boolean): Moment {
    // A changelog is there for the first time, and followed at once.
    if (this.told.length === 0 && this.#random() < 0.2) return AT_FIRST_FILE;
    if (this.#random() < 0.25) return { name: "random", point: "none", afterMs: 60 + this.#random() * 200 };
    const points = [...CHANGELOG_CRASH_POINTS, ...CRASH_POINTS, ...(isFlip ? BOOTSTRAP_CRASH_POINTS : [])];
    const point = points[this.#below(points.length)] ?? "before-fetch";
    return { name: point, point, afterMs: null };
  }

  /** False when it was killed. */
  async #reflectOnce(flipTo: string | null, moment: Moment): Promise<boolean> {
    const order: ReflectorOrder = {
      ...this.#plan.order,
      ldbFolder: this.ldb,
      seed: this.#plan.seed,
      statements: this.#plan.statements,
      flipTo,
      point: moment.point,
      reachedBefore: this.#below(4),
    };
    await using child = startProcess([process.execPath, CHILD, JSON.stringify(order)]);
    const timer = moment.afterMs === null ? null : setTimeout(() => child.signal("SIGKILL"), moment.afterMs);
    if (moment === AT_FIRST_FILE) await this.#killAtFirstFile(child);
    const exit = await child.exited;
    if (timer !== null) clearTimeout(timer);
    this.told.push(`${moment.name}: ${child.stderr}`);
    if (exit.signal === "SIGKILL") return false;
    if (exit.code !== 0) throw new Error(`the Reflector failed instead of being killed:\n${child.stderr}`);
    return true;
  }

  async #killAtFirstFile(child: TestProcess): Promise<void> {
    const isThere = () => existsSync(this.changelog) || !child.running;
    await until(isThere, { what: "the first file", intervalMs: 0 });
    child.signal("SIGKILL");
  }
}
