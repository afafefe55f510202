/**
 * One random run of the changelog, all of it real: Reflectors that are killed, files that are rotated, an LDB that is
 * replaced, and consumers that crash; then each consumer's copy must be the LDB, and what was told must be the ledger (D17).
 */
import { existsSync } from "node:fs";
import { openReader } from "../../reader/index.ts";
import type { LdbReader } from "../../reader/types.ts";
import { startProcess } from "../support/process.ts";
import { seededRandom } from "../support/suite.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { CopyKeeper, canonical, copyOf, type Segment } from "./changelog-consumer.ts";
import { changesLedger, changeText, type ExpectedChange } from "./changelog-ledger.ts";
import { ALL_FILES, type Plan, planOf, Reflectors } from "./changelog-reflectors.ts";

const CONSUMER = new URL("./changelog-consumer-child.ts", import.meta.url).pathname;

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

class Run {
  readonly #folder: TempFolder;
  readonly #random: () => number;
  readonly #plan: Plan;
  readonly #expected: readonly ExpectedChange[];
  readonly #reflectors: Reflectors;
  readonly #invalidations: Record<string, number> = {};
  readonly #failures: unknown[] = [];
  #crashes = 0;
  #events = 0;

  constructor(seed: number, folder: TempFolder) {
    this.#folder = folder;
    this.#random = seededRandom(seed + 2);
    this.#plan = planOf(seed);
    this.#expected = changesLedger(seed, this.#plan.statements).expected;
    this.#reflectors = new Reflectors(this.#plan, folder);
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #openReader(): LdbReader {
    return openReader({ path: this.#reflectors.ldb, integers: "bigint", onWarning: () => {} });
  }

  async run(): Promise<RunSummary> {
    const reflecting = this.#reflectors.run();
    // The folder is there until both have ended, and what the Reflectors failed with comes first.
    await Promise.allSettled([reflecting, this.#consume().catch((error) => this.#failures.push(error))]);
    await reflecting;
    if (this.#failures.length > 0) throw this.#failures[0];
    const { kills, flips } = this.#reflectors;
    const [crashes, invalidations, events] = [this.#crashes, this.#invalidations, this.#events];
    return { kills, flips, crashes, invalidations, events };
  }

  async #consume(): Promise<void> {
    const { changelog } = this.#reflectors;
    const what = "a changelog";
    await until(() => existsSync(changelog), { what, intervalMs: 2, deadlineMs: 60_000 });
    using reader = this.#openReader();
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
    while (!this.#reflectors.state.done) {
      if (this.#random() < 0.1) await this.#crashProcess(path);
      else await this.#crashHere(path);
      this.#crashes += 1;
    }
    using reader = this.#openReader();
    const keeper = await CopyKeeper.begin(reader, path);
    await this.#toTheEnd(keeper);
    this.#check("the consumer that crashed", keeper, reader);
  }

  async #crashHere(path: string): Promise<void> {
    using reader = this.#openReader();
    const keeper = await CopyKeeper.begin(reader, path);
    // Nothing comes any more once the Reflectors are done: it is let go then.
    const letGo = this.#reflectors.whenDone(() => void keeper.changes.return());
    for (let left = 1 + this.#below(80); left > 0 && (await keeper.step()); left--) {
      if (this.#random() < 0.2) keeper.keep();
    }
    letGo.forget();
    await keeper.changes.return();
    this.#compare("a consumer before its crash", keeper.segments);
  }

  async #crashProcess(path: string): Promise<void> {
    const args = [this.#reflectors.ldb, path, String(this.#below(1_000_000)), String(1 + this.#below(40))];
    await using child = startProcess([process.execPath, CONSUMER, ...args]);
    let isOver = false;
    const ended = child.exited.then((exit) => {
      isOver = true;
      return exit;
    });
    await until(() => isOver || this.#reflectors.state.done, {
      what: "the consumer's end",
      deadlineMs: 60_000,
    });
    if (!isOver) child.signal("SIGKILL");
    const { signal } = await ended;
    if (signal !== "SIGKILL")
      throw new Error(`the consumer failed instead of being killed:\n${child.stderr}`);
  }

  /** Goes on until everything was told that there is. */
  async #toTheEnd(keeper: CopyKeeper): Promise<void> {
    const last = this.#expected.at(-1)?.sequence ?? 0n;
    const { state } = this.#reflectors;
    const caughtUp = () => state.failed || (state.done && keeper.sequence >= last);
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
      const expected = this.#expected.filter(({ sequence }) => sequence > since);
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
        `consumers were told to forget everything without need: ${needless.join(", ")}\n${this.#reflectors.told.join("\n")}`,
      );
  }
}

function firstDifference(found: string, expected: string): string {
  let at = 0;
  while (at < found.length && found[at] === expected[at]) at += 1;
  const from = Math.max(0, at - 60);
  return `found ${found.slice(from, at + 120)}, expected ${expected.slice(from, at + 120)}`;
}
