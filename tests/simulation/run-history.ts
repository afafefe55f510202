/**
 * Runs one history against the real parts and the model side by side.
 *
 * After each request: the answer is the model's, and the sequence has moved by exactly the entries that it must have
 * written (I1, I3). After each step on the LDB: its rows are the model's at exactly the LDB's sequence, so never a part
 * of a batch (I4, I6, I10). At the end: model = both Executives' schema = rows of ctldb = rows of the LDB, by the byte,
 * and the ledger's chain holds from its origin (I8, I14).
 */
import type { ErrorCode } from "../../core/errors.ts";
import { dumpCtlDb, type RowsDump } from "../support/dump-rows.ts";
import type { Answer } from "./central.ts";
import { checkReader, expectEmpty } from "./check-reader.ts";
import { WRITERS } from "./generate.ts";
import { Local } from "./local.ts";
import { dumpState, Model, type ModelState, type Verdict } from "./model.ts";
import { expectedSchema, RunNames, schemaRequest, writeRequest } from "./requests.ts";
import type {
  FollowStep,
  History,
  RequestStep,
  SchemaStep,
  SentBatch,
  SeveredStep,
  Step,
  WriterIndex,
} from "./steps.ts";
import type { World } from "./world.ts";

const DOORS = [0, 1] as const;
/** What an Executive may say of a schema change when it lost its ctldb in the middle. */
const OPEN_OUTCOMES: readonly ErrorCode[] = ["ctldb_unavailable", "commit_outcome_unknown"];
/** Every history has this family from its first step. */
const TAKES_THE_LOCK: SchemaStep = { kind: "create-family", door: 0, family: 0 };

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

interface SettledBatch {
  readonly batch: SentBatch;
  readonly verdict: Verdict;
  /** The writer's cookie when the batch was sent. */
  readonly stored: string;
  readonly answer: Answer;
}

class Run {
  readonly #world: World;
  readonly #names: RunNames;
  readonly #model = new Model();
  /** The model's rows at each sequence; null where a schema change of several entries is half done. */
  readonly #states = new Map<bigint, ModelState | null>();
  #head: bigint;

  private constructor(world: World, names: RunNames, head: bigint) {
    this.#world = world;
    this.#names = names;
    this.#head = head;
    this.#states.set(head, this.#model.state);
  }

  static async begin(world: World): Promise<Run> {
    const names = new RunNames(world.nextRun());
    for (let writer = 0; writer < WRITERS; writer++) {
      const path = `/writers/${encodeURIComponent(names.writer(writer))}`;
      expectOk(await world.central.request(0, { method: "POST", path, body: names.secret(writer) }));
    }
    return new Run(world, names, await world.central.headSequence(0));
  }

  async step(step: Step): Promise<void> {
    switch (step.kind) {
      case "write":
        return this.#write(step);
      case "follow":
      case "reflect":
      case "kill-reflector":
        return this.#follow(step);
      case "reopen":
        return this.#world.central.reopen(step.door);
      case "severed":
        return this.#sever(step);
      default:
        return this.#changeSchema(step);
    }
  }

  // Requests

  async #changeSchema(step: SchemaStep): Promise<void> {
    const verdict = this.#model.judge(step);
    const answer = await this.#world.central.request(step.door, schemaRequest(step, this.#names));
    if (!this.#agree(verdict, answer)) return;
    this.#tookChange(verdict, step, step.kind === "create-family" ? null : answer);
  }

  async #sever({ step, afterTurns }: SeveredStep): Promise<void> {
    const { central } = this.#world;
    const verdict = this.#model.judge(step);
    const cut = await central.prepareCut?.();
    const asked = central.request(step.door, schemaRequest(step, this.#names));
    await turns(afterTurns);
    await cut?.();
    const answer = await asked;
    const isOpen = !answer.ok && OPEN_OUTCOMES.includes(answer.code);
    // Whoever takes the ledger lock next finishes what was begun; the refusal of this request comes after that.
    if (isOpen) await central.request(step.door === 0 ? 1 : 0, schemaRequest(TAKES_THE_LOCK, this.#names));
    const head = await central.headSequence(0);
    if (isOpen && (!verdict.ok || head === this.#head)) return;
    if (!isOpen && !this.#agree(verdict, answer)) return;
    if (verdict.ok)
      this.#tookChange(verdict, step, answer.ok ? answer : { ok: true, body: { sequence: `${head}` } });
  }

  #tookChange(verdict: Extract<Verdict, { ok: true }>, step: SchemaStep, answer: Answer | null): void {
    if (step.kind !== "clear-rows")
      for (let i = 1; i < verdict.entries; i++) this.#states.set(this.#head + BigInt(i), null);
    this.#took(verdict, answer);
  }

  async #write(step: Extract<RequestStep, { kind: "write" }>): Promise<void> {
    const { central } = this.#world;
    const cut = step.severAfterTurns === null ? null : ((await central.prepareCut?.()) ?? null);
    const asked = step.batches.map(async (batch): Promise<SettledBatch> => {
      const verdict = this.#model.judgeBatch(batch);
      const stored = this.#model.cookie(batch.writer);
      const answer = await central.request(step.door, writeRequest(batch, stored, this.#names));
      return { batch, verdict, stored, answer };
    });
    if (cut !== null) {
      await turns(step.severAfterTurns ?? 0);
      await cut();
    }
    const settled = await Promise.all(asked);
    // Those committed together settle in the order of their sequences; one that wrote nothing, after those before it.
    const order = (entry: SettledBatch) => sequenceOf(entry.answer) ?? 0n;
    settled.sort((a, b) => Number(order(a) - order(b)) || entries(b) - entries(a));
    const moved = this.#settle(settled);
    for (const { batch, verdict, answer } of settled) {
      if (answer.ok) continue;
      if (cut !== null && answer.code === "ctldb_unavailable") continue; // nothing was changed
      const lostTheRace = batch.checkCookie === "right" && answer.code === "cookie_conflict";
      if (verdict.ok && lostTheRace && moved.has(batch.writer)) continue;
      this.#agree(verdict, answer);
    }
  }

  /** Takes over what took effect; returns the writers whose cookies moved. */
  #settle(settled: readonly SettledBatch[]): Set<WriterIndex> {
    const moved = new Set<WriterIndex>();
    for (const { batch, verdict, stored, answer } of settled) {
      if (!answer.ok || !this.#agree(verdict, answer)) continue;
      const { writer, checkCookie } = batch;
      if (checkCookie === "right" && this.#model.cookie(writer) !== stored)
        throw new Error(`taken at ${sequenceOf(answer)} although the cookie had moved before`);
      this.#took(verdict, answer);
      if (this.#model.cookie(writer) !== stored) moved.add(writer);
    }
    return moved;
  }

  /** True when both say that the request takes effect. */
  #agree(verdict: Verdict, answer: Answer): verdict is Extract<Verdict, { ok: true }> {
    if (verdict.ok) {
      expectOk(answer);
      return true;
    }
    if (answer.ok) throw new Error(`taken, where it must be refused with ${verdict.codes.join(" or ")}`);
    const isRight = verdict.codes.includes(answer.code) && (verdict.index ?? answer.index) === answer.index;
    if (isRight) return false;
    throw new Error(
      `refused with ${answer.text} where it must be ${verdict.codes.join(" or ")} at ${verdict.index}`,
    );
  }

  #took(verdict: Extract<Verdict, { ok: true }>, answer: Answer | null): void {
    const head = this.#head + BigInt(verdict.entries);
    const told = answer === null ? head : sequenceOf(answer);
    if (told !== head) throw new Error(`answered sequence ${told}; it must be ${head}`);
    verdict.apply();
    this.#head = head;
    this.#states.set(head, this.#model.state);
  }

  // The LDB

  async #follow(step: FollowStep): Promise<void> {
    const { local } = this.#world;
    await local.run(step, this.#head);
    this.#checkLdb(local);
  }

  #checkLdb(local: Local): void {
    const ldb = local.state();
    const expected = ldb === null ? null : this.#states.get(ldb.sequence);
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
    if (sequence !== this.#head) throw new Error(`the LDB ends at ${sequence}, the ledger at ${this.#head}`);
    expectSameRows("ctldb", await dumpCtlDb(central.url), this.#dump(this.#model.state));
    const audited = await auditor.audit();
    if (audited !== this.#head)
      throw new Error(`the ledger ends at ${audited}; it must end at ${this.#head}`);
    for (const door of DOORS) await this.#checkDoor(door);
    if (replay) await this.#replay();
    await this.#leave();
  }

  async #checkDoor(door: 0 | 1): Promise<void> {
    const { central } = this.#world;
    for (const family of this.#model.families) {
      const path = `/schema/family/${this.#names.family(family)}`;
      const answer = expectOk(await central.request(door, { method: "GET", path }));
      const expected = expectedSchema(this.#model.state, family, this.#names);
      if (!Bun.deepEquals(answer, expected))
        throw new Error(`Executive ${door} tells schema ${JSON.stringify(answer)}`);
    }
    for (let writer = 0; writer < WRITERS; writer++) {
      const cookie = await central.readCookie(door, this.#names.credentials(writer));
      if (cookie !== this.#model.cookie(writer)) throw new Error(`cookie of writer ${writer} is ${cookie}`);
    }
  }

  async #replay(): Promise<void> {
    const { central, newLdbFolder } = this.#world;
    using another = new Local(newLdbFolder(), central.url);
    await another.run(
      { kind: "reflect", limits: { pollRows: 10_000, sliceStatements: 500, transactionStatements: 2_000 } },
      this.#head,
    );
    this.#checkLdb(another);
  }

  /** Drops the tables, so that every history begins with none and a dump is of one history alone. */
  async #leave(): Promise<void> {
    for (const { family, table } of this.#model.state.values())
      await this.#changeSchema({ kind: "drop-table", door: 0, family, table });
    await this.#world.local.catchUp();
    this.#checkLdb(this.#world.local);
  }
}

/** Lets the event loop turn so many times. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

function expectOk(answer: Answer): Readonly<Record<string, unknown>> {
  if (answer.ok) return answer.body;
  throw new Error(`refused with ${answer.text} where it must take effect`);
}

function sequenceOf(answer: Answer): bigint | null {
  const sequence = answer.ok ? answer.body["sequence"] : undefined;
  return typeof sequence === "number" || typeof sequence === "string" ? BigInt(sequence) : null;
}

function entries({ verdict }: SettledBatch): number {
  return verdict.ok ? verdict.entries : 0;
}

function expectSameRows(what: string, actual: RowsDump, expected: RowsDump): void {
  for (const table of new Set([...Object.keys(actual), ...Object.keys(expected)])) {
    const [is, must] = [actual[table], expected[table]];
    if (Bun.deepEquals(is, must)) continue;
    const only = (a: typeof is, b: typeof is) => a?.rows.filter((row) => !b?.rows.includes(row)) ?? null;
    const difference = {
      columns: [is?.columns, must?.columns],
      key: [is?.key, must?.key],
      wrong: only(is, must),
      missing: only(must, is),
    };
    throw new Error(`${what}: table ${table} differs from the model: ${JSON.stringify(difference)}`);
  }
}
