/**
 * Sends the requests of a history to the Executives and has the model follow, comparing every answer.
 *
 * Each answer is the model's, and the sequence has moved by exactly the entries that must have been written (I1, I3).
 */
import type { ErrorCode } from "../../core/errors.ts";
import { EXECUTIVE_LIMITS } from "../../core/limits.ts";
import type { Answer, Central, SentRequest } from "./central.ts";
import { WRITERS } from "./generate.ts";
import { Model, type ModelState, type Verdict } from "./model.ts";
import { type RunNames, schemaRequest, writeRequest } from "./requests.ts";
import type { RequestStep, SchemaStep, SentBatch, SeveredStep, WriterIndex } from "./steps.ts";

/** What an Executive may say of a schema change when it lost its ctldb in the middle. */
const OPEN_OUTCOMES: readonly ErrorCode[] = ["ctldb_unavailable", "commit_outcome_unknown"];
/** Every history has this family from its first step. */
const TAKES_THE_LOCK: SchemaStep = { kind: "create-family", door: 0, family: 0 };

/** The Executive reads no further than its limit, so nothing else about the batch matters. */
const TOO_LARGE: Verdict = { ok: false, codes: ["request_too_large"] };

function isTooLarge({ body = "" }: SentRequest): boolean {
  return Buffer.byteLength(body) > EXECUTIVE_LIMITS.requestBytes;
}

interface SettledBatch {
  readonly batch: SentBatch;
  readonly verdict: Verdict;
  /** The writer's cookie when the batch was sent. */
  readonly stored: string;
  readonly answer: Answer;
}

export class RequestRunner {
  readonly model = new Model();
  readonly #central: Central;
  readonly #names: RunNames;
  /** The model's rows at each sequence; null where a schema change of several entries is half done. */
  readonly #states = new Map<bigint, ModelState | null>();
  #head: bigint;

  private constructor(central: Central, names: RunNames, head: bigint) {
    this.#central = central;
    this.#names = names;
    this.#head = head;
    this.#states.set(head, this.model.state);
  }

  /** Registers the run's writers. */
  static async begin(central: Central, names: RunNames): Promise<RequestRunner> {
    for (let writer = 0; writer < WRITERS; writer++) {
      const path = `/writers/${encodeURIComponent(names.writer(writer))}`;
      expectOk(await central.request(0, { method: "POST", path, body: names.secret(writer) }));
    }
    return new RequestRunner(central, names, await central.headSequence(0));
  }

  /** Sequence of the last entry that must be in the ledger. */
  get head(): bigint {
    return this.#head;
  }

  /**
   * The rows that an LDB at this sequence must have. Null where it may stop and the model has no state, undefined where
   * it may not stop.
   */
  stateAt(sequence: bigint): ModelState | null | undefined {
    return this.#states.get(sequence);
  }

  async changeSchema(step: SchemaStep): Promise<void> {
    const verdict = this.model.judge(step);
    const answer = await this.#central.request(step.door, schemaRequest(step, this.#names));
    if (!this.#agree(verdict, answer)) return;
    this.#tookChange(verdict, step, step.kind === "create-family" ? null : answer);
  }

  async sever({ step, afterTurns }: SeveredStep): Promise<void> {
    const verdict = this.model.judge(step);
    const cut = await this.#central.prepareCut?.();
    const asked = this.#central.request(step.door, schemaRequest(step, this.#names));
    await turns(afterTurns);
    await cut?.();
    const answer = await asked;
    const isOpen = !answer.ok && OPEN_OUTCOMES.includes(answer.code);
    // Whoever takes the ledger lock next finishes what was begun; the refusal of this request comes after that.
    if (isOpen)
      await this.#central.request(step.door === 0 ? 1 : 0, schemaRequest(TAKES_THE_LOCK, this.#names));
    const head = await this.#central.headSequence(0);
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

  async write(step: Extract<RequestStep, { kind: "write" }>): Promise<void> {
    const cut = step.severAfterTurns === null ? null : ((await this.#central.prepareCut?.()) ?? null);
    const asked = step.batches.map(async (batch): Promise<SettledBatch> => {
      const stored = this.model.cookie(batch.writer);
      const request = writeRequest(batch, stored, this.#names);
      const verdict = isTooLarge(request) ? TOO_LARGE : this.model.judgeBatch(batch);
      const answer = await this.#central.request(step.door, request);
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
      if (checkCookie === "right" && this.model.cookie(writer) !== stored)
        throw new Error(`taken at ${sequenceOf(answer)} although the cookie had moved before`);
      this.#took(verdict, answer);
      if (this.model.cookie(writer) !== stored) moved.add(writer);
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
    this.#states.set(head, this.model.state);
  }
}

/** Lets the event loop turn so many times. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

export function expectOk(answer: Answer): Readonly<Record<string, unknown>> {
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
