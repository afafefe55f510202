/**
 * One random run of the changelog, all of it real: Reflectors that are killed, files that are rotated, an LDB that is
 * replaced, and consumers that crash; then each consumer's copy must be the LDB, and what was told must be the ledger (D17).
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { CHANGELOG_FILE_NAME } from "../../core/changelog/format.ts";
import { BOOTSTRAP_CRASH_POINTS, CHANGELOG_CRASH_POINTS, CRASH_POINTS } from "../../ldb/crash-points.ts";
import { openReader } from "../../reader/index.ts";
import type { LdbReader } from "../../reader/types.ts";
import { snapshotAt } from "../reflector/bootstrap/harness.ts";
import { storeSnapshots } from "../support/make-snapshot.ts";
import { startProcess, type TestProcess } from "../support/process.ts";
import { seededRandom } from "../support/suite.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { CopyKeeper, canonical, copyOf, type Segment } from "./changelog-consumer.ts";
import { boundaryAfter, type ChangesLedger, changesLedger, changeText } from "./changelog-ledger.ts";
import type { ReflectorOrder } from "./changelog-reflector-child.ts";

const REFLECTOR = new URL("./changelog-reflector-child.ts", import.meta.url).pathname;
const CONSUMER = new URL("./changelog-consumer-child.ts", import.meta.url).pathname;

/** Enough that nothing is ever forgotten in a run. */
const ALL_FILES = 1_000;

export interface RunSummary {
  /** Reflectors killed, by where. */
  readonly kills: Readonly<Record<string, number>>;
  readonly flips: number;
  /** Consumers that crashed, those in a process of their own by SIGKILL. */
  readonly crashes: number;
  /** Times that a consumer was told to forget everything, by why. */
  readonly invalidations: Readonly<Record<string, number>>;
  /** Events that were compared with the ledger. */
  readonly events: number;
}

/** What a run has, all of it chosen by its seed. */
interface Plan {
  readonly statements: number;
  readonly kills: number;
  readonly flips: number;
  readonly order: Pick<ReflectorOrder, "changelog" | "pollRows" | "transactionStatements">;
}

/** @throws Error naming the seed when a copy is not the LDB, or what was told is not the ledger */
export async function runChangelog(seed: number): Promise<RunSummary> {
  try {
    using folder = tempFolder("changelog-run");
    return await new Run(seed, folder).run();
  } catch (cause) {
    throw new Error(`changelog run with seed ${seed}: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
}

function planOf(random: () => number): Plan {
  const below = (limit: number) => Math.floor(random() * limit);
  const flips = random() < 0.4 ? 1 + below(2) : 0;
  return {
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

class Run {
  readonly #seed: number;
  readonly #random: () => number;
  readonly #folder: TempFolder;
  readonly #plan: Plan;
  readonly #made: ChangesLedger;
  readonly #kills: Record<string, number> = {};
  readonly #invalidations: Record<string, number> = {};
  /** What each Reflector logged. */
  readonly #told: string[] = [];
  #flips = 0;
  #crashes = 0;
  #events = 0;
  #reflectorsDone = false;
  readonly #waiting = new Set<() => void>();

  constructor(seed: number, folder: TempFolder) {
    this.#seed = seed;
    this.#random = seededRandom(seed);
    this.#folder = folder;
    this.#plan = planOf(this.#random);
    this.#made = changesLedger(seed, this.#plan.statements);
  }

  #whenReflectorsAreDone(tell: () => void): { forget(): void } {
    if (this.#reflectorsDone) tell();
    this.#waiting.add(tell);
    return { forget: () => void this.#waiting.delete(tell) };
  }

  get #ldb(): string {
    return this.#folder.file("ldb");
  }

  get #changelog(): string {
    return join(this.#ldb, CHANGELOG_FILE_NAME);
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  async run(): Promise<RunSummary> {
    const stores = await this.#makeStores();
    const reflecting = this.#reflect(stores).finally(() => {
      this.#reflectorsDone = true;
      for (const tell of this.#waiting) tell();
    });
    const consuming = this.#consume();
    await Promise.all([reflecting, consuming]);
    return {
      kills: this.#kills,
      flips: this.#flips,
      crashes: this.#crashes,
      invalidations: this.#invalidations,
      events: this.#events,
    };
  }

  /** Snapshots to replace the LDB from, at random places of the ledger. */
  async #makeStores(): Promise<string[]> {
    const { ledger } = this.#made;
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
        this.#kills[moment.name] = (this.#kills[moment.name] ?? 0) + 1;
      } else if (isFlip) {
        left.stores.shift();
        this.#flips += 1;
      }
    }
  }

  #chooseMoment(isFlip: boolean): Moment {
    // A changelog is there for the first time, and followed at once.
    if (this.#told.length === 0 && this.#random() < 0.2) return AT_FIRST_FILE;
    if (this.#random() < 0.25) return { name: "random", point: "none", afterMs: 60 + this.#random() * 200 };
    const points = [...CHANGELOG_CRASH_POINTS, ...CRASH_POINTS, ...(isFlip ? BOOTSTRAP_CRASH_POINTS : [])];
    const point = points[this.#below(points.length)] ?? "before-fetch";
    return { name: point, point, afterMs: null };
  }

  /** False when it was killed. */
  async #reflectOnce(flipTo: string | null, moment: Moment): Promise<boolean> {
    const order: ReflectorOrder = {
      ...this.#plan.order,
      ldbFolder: this.#ldb,
      seed: this.#seed,
      statements: this.#plan.statements,
      flipTo,
      point: moment.point,
      reachedBefore: this.#below(4),
    };
    await using child = startProcess([process.execPath, REFLECTOR, JSON.stringify(order)]);
    const timer = moment.afterMs === null ? null : setTimeout(() => child.signal("SIGKILL"), moment.afterMs);
    if (moment === AT_FIRST_FILE) await this.#killAtFirstFile(child);
    const exit = await child.exited;
    if (timer !== null) clearTimeout(timer);
    this.#told.push(`${moment.name}: ${child.stderr}`);
    if (exit.signal === "SIGKILL") return false;
    if (exit.code !== 0) throw new Error(`the Reflector failed instead of being killed:\n${child.stderr}`);
    return true;
  }

  async #killAtFirstFile(child: TestProcess): Promise<void> {
    const isThere = () => existsSync(this.#changelog) || !child.running;
    await until(isThere, { what: "the first file", intervalMs: 0 });
    child.signal("SIGKILL");
  }

  async #consume(): Promise<void> {
    const ldbIsThere = await until(() => this.#reflectorsDone || existsSync(this.#changelog), {
      what: "a changelog",
      intervalMs: 2,
      deadlineMs: 60_000,
    });
    if (!ldbIsThere) return;
    using reader = openReader({ path: this.#ldb, integers: "bigint", onWarning: () => {} });
    // It lives through the whole run; the other one crashes again and again.
    const witness = await CopyKeeper.begin(reader, this.#folder.file("witness.json"));
    const witnessing = this.#toTheEnd(witness);
    await this.#crashingConsumer();
    await witnessing;
    this.#check("the witness", witness, reader);
    this.#expectNoNeedlessBreaks();
  }

  async #crashingConsumer(): Promise<void> {
    const path = this.#folder.file("consumer.json");
    while (!this.#reflectorsDone) {
      if (this.#random() < 0.1) await this.#crashProcess(path);
      else await this.#crashHere(path);
      this.#crashes += 1;
    }
    using reader = openReader({ path: this.#ldb, integers: "bigint", onWarning: () => {} });
    const keeper = await CopyKeeper.begin(reader, path);
    await this.#toTheEnd(keeper);
    this.#check("the consumer that crashed", keeper, reader);
  }

  async #crashHere(path: string): Promise<void> {
    using reader = openReader({ path: this.#ldb, integers: "bigint", onWarning: () => {} });
    const keeper = await CopyKeeper.begin(reader, path);
    // Nothing comes any more once the Reflectors are done: it is let go then.
    const letGo = this.#whenReflectorsAreDone(() => void keeper.changes.return());
    for (let left = 1 + this.#below(80); left > 0 && (await keeper.step()); left--) {
      if (this.#random() < 0.2) keeper.keep();
    }
    letGo.forget();
    await keeper.changes.return();
    this.#compare("a consumer before its crash", keeper.segments);
  }

  async #crashProcess(path: string): Promise<void> {
    const args = [this.#ldb, path, String(this.#below(1_000_000)), String(1 + this.#below(40))];
    await using child = startProcess([process.execPath, CONSUMER, ...args]);
    let isOver = false;
    const ended = child.exited.then((exit) => {
      isOver = true;
      return exit;
    });
    await until(() => isOver || this.#reflectorsDone, { what: "the consumer's end", deadlineMs: 60_000 });
    if (!isOver) child.signal("SIGKILL");
    const { signal } = await ended;
    if (signal !== "SIGKILL")
      throw new Error(`the consumer failed instead of being killed:\n${child.stderr}`);
  }

  /** Goes on until everything was told that there is. */
  async #toTheEnd(keeper: CopyKeeper): Promise<void> {
    const last = this.#made.expected.at(-1)?.sequence ?? 0n;
    const caughtUp = () => this.#reflectorsDone && keeper.sequence >= last;
    const watching = until(caughtUp, { what: "the last change", deadlineMs: 120_000, intervalMs: 5 }).finally(
      () => keeper.changes.return(),
    );
    while (await keeper.step());
    await watching;
  }

  #check(who: string, keeper: CopyKeeper, reader: LdbReader): void {
    const [found, expected] = [canonical(keeper.copy), canonical(reader.snapshot(copyOf))];
    if (found !== expected) {
      throw new Error(`the copy of ${who} is not the LDB: ${firstDifference(found, expected)}`);
    }
    this.#compare(who, keeper.segments);
    for (const reason of keeper.invalidations) {
      this.#invalidations[reason] = (this.#invalidations[reason] ?? 0) + 1;
    }
  }

  /** What was told after a place is what the ledger has after it: nothing missing, nothing twice. */
  #compare(who: string, segments: readonly Segment[]): void {
    for (const { since, events } of segments) {
      const expected = this.#made.expected.filter(({ sequence }) => sequence > since);
      events.forEach((event, i) => {
        if (event.kind === "invalidate") return;
        const table = `${event.family}/${event.table}`;
        const key = "key" in event ? event.key : undefined;
        const found = changeText(event.sequence, { kind: event.kind, table, key }, event.last);
        if (found !== expected[i]?.text) {
          throw new Error(
            `${who} was told ${JSON.stringify(found)} in place of ${JSON.stringify(expected[i]?.text)}, since ${since}`,
          );
        }
      });
      this.#events += events.length;
    }
  }

  /** Kills alone never make anybody forget what he knows. */
  #expectNoNeedlessBreaks(): void {
    const { flips, order } = this.#plan;
    const found = Object.keys(this.#invalidations);
    const allowed = [
      ...(flips > 0 ? ["reset"] : []),
      ...(order.changelog.files < ALL_FILES ? ["too_old"] : []),
    ];
    const needless = found.filter((reason) => !allowed.includes(reason));
    if (needless.length > 0)
      throw new Error(
        `consumers were told to forget everything without need: ${needless.join(", ")}\n${this.#told.join("\n")}`,
      );
  }
}

interface Moment {
  readonly name: string;
  readonly point: string;
  readonly afterMs: number | null;
}

const NEVER: Moment = { name: "never", point: "none", afterMs: null };
const AT_FIRST_FILE: Moment = { name: "first-file", point: "none", afterMs: null };

function firstDifference(found: string, expected: string): string {
  let at = 0;
  while (at < found.length && found[at] === expected[at]) at += 1;
  const from = Math.max(0, at - 60);
  return `found ${found.slice(from, at + 120)}, expected ${expected.slice(from, at + 120)}`;
}
