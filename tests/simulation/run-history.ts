/**
 * Runs one history against the real parts and the model side by side.
 *
 * After each request, what `request-runner.ts` says. After each step on the LDB: its rows are the model's at exactly the
 * LDB's sequence, so never a part of a batch (I4, I6, I10). At the end: model = both Executives' schema = rows of ctldb =
 * rows of the LDB, by the byte, and the ledger's chain holds from its origin (I8, I14).
 */
import { dumpCtlDb, type RowsDump } from "../support/dump-rows.ts";
import { checkReader, expectEmpty } from "./check-reader.ts";
import { expectSameRows } from "./compare-rows.ts";
import { WRITERS } from "./generate.ts";
import { Local } from "./local.ts";
import { dumpState, type ModelState } from "./model.ts";
import { expectOk, RequestRunner } from "./request-runner.ts";
import { expectedSchema, RunNames } from "./requests.ts";
import type { FollowStep, History, Step } from "./steps.ts";
import type { World } from "./world.ts";

const DOORS = [0, 1] as const;
export class HistoryFailure extends Error {
  /** Index of the step; as many as there are steps for the checks at the end. */
  readonly step: number;

  constructor(step: number, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.step = step;
  }
}

export interface RunOptions {
  /** Also replays the whole ledger into a fresh LDB (slow in a world with a long ledger). */
  readonly replay: boolean;
}

/** @throws HistoryFailure; the world is of no use after that */
export async function runHistory(history: History, world: World, options: RunOptions): Promise<void> {
  const run = await Run.begin(world);
  for (const [index, step] of history.steps.entries()) await at(index, () => run.step(step));
  await at(history.steps.length, () => run.finish(options));
}

async function at(step: number, task: () => Promise<void>): Promise<void> {
  try {
    await task();
  } catch (error) {
    throw new HistoryFailure(step, error);
  }
}

class Run {
  readonly #world: World;
  readonly #names: RunNames;
  readonly #requests: RequestRunner;

  private constructor(world: World, names: RunNames, requests: RequestRunner) {
    this.#world = world;
    this.#names = names;
    this.#requests = requests;
  }

  static async begin(world: World): Promise<Run> {
    const names = new RunNames(world.nextRun());
    return new Run(world, names, await RequestRunner.begin(world.central, names));
  }

  async step(step: Step): Promise<void> {
    switch (step.kind) {
      case "write":
        return this.#requests.write(step);
      case "follow":
      case "reflect":
      case "kill-reflector":
        return this.#follow(step);
      case "reopen":
        return this.#world.central.reopen(step.door);
      case "severed":
        return this.#requests.sever(step);
      default:
        return this.#requests.changeSchema(step);
    }
  }

  // The LDB

  async #follow(step: FollowStep): Promise<void> {
    const { local } = this.#world;
    await local.run(step, this.#requests.head);
    this.#checkLdb(local);
  }

  #checkLdb(local: Local): void {
    const ldb = local.state();
    const expected = ldb === null ? null : this.#requests.stateAt(ldb.sequence);
    // Null: there is no LDB yet, or it is between two entries that need not be applied together.
    if (ldb === null || expected === null) return;
    if (expected === undefined) throw new Error(`the LDB stopped at ${ldb.sequence}, inside a batch`);
    expectSameRows(`LDB at ${ldb.sequence}`, ldb.dump, this.#dump(expected));
    if (local !== this.#world.local) return;
    if (ldb.sequence === 0n) expectEmpty(local.reader);
    else checkReader(local.reader, expected, this.#names.family);
  }

  #dump(state: ModelState): RowsDump {
    return dumpState(state, this.#names.family);
  }

  // The end

  async finish({ replay }: RunOptions): Promise<void> {
    const { central, local, auditor } = this.#world;
    await local.catchUp();
    this.#checkLdb(local);
    const sequence = local.state()?.sequence;
    if (sequence !== this.#requests.head)
      throw new Error(`the LDB ends at ${sequence}, the ledger at ${this.#requests.head}`);
    expectSameRows("ctldb", await dumpCtlDb(central.url), this.#dump(this.#requests.model.state));
    const audited = await auditor.audit();
    if (audited !== this.#requests.head)
      throw new Error(`the ledger ends at ${audited}; it must end at ${this.#requests.head}`);
    for (const door of DOORS) await this.#checkDoor(door);
    if (replay) await this.#replay();
    await this.#leave();
  }

  async #checkDoor(door: 0 | 1): Promise<void> {
    const { central } = this.#world;
    for (const family of this.#requests.model.families) {
      const path = `/schema/family/${this.#names.family(family)}`;
      const answer = expectOk(await central.request(door, { method: "GET", path }));
      const expected = expectedSchema(this.#requests.model.state, family, this.#names);
      if (!Bun.deepEquals(answer, expected))
        throw new Error(`Executive ${door} tells schema ${JSON.stringify(answer)}`);
    }
    for (let writer = 0; writer < WRITERS; writer++) {
      const cookie = await central.readCookie(door, this.#names.credentials(writer));
      if (cookie !== this.#requests.model.cookie(writer))
        throw new Error(`cookie of writer ${writer} is ${cookie}`);
    }
  }

  async #replay(): Promise<void> {
    const { central, newLdbFolder } = this.#world;
    using another = new Local(newLdbFolder(), central.url);
    await another.run(
      { kind: "reflect", limits: { pollRows: 10_000, sliceStatements: 500, transactionStatements: 2_000 } },
      this.#requests.head,
    );
    this.#checkLdb(another);
  }

  /** Drops the tables, so that every history begins with none and a dump is of one history alone. */
  async #leave(): Promise<void> {
    for (const { family, table } of this.#requests.model.state.values())
      await this.#requests.changeSchema({ kind: "drop-table", door: 0, family, table });
    await this.#world.local.catchUp();
    this.#checkLdb(this.#world.local);
  }
}
