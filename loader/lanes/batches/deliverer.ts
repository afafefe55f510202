/**
 * Brings a batch of units to its end: written, in parts where the Executive takes no more at once, and without the events
 * that it refuses.
 *
 * What lies before a refused event takes effect first, so that the cookie points at the event when the loader stops there.
 */
import { type CtlstoreError, type ErrorCode, isCtlstoreError } from "../../../core/errors.ts";
import type { Clock } from "../../../core/process/clock.ts";
import type { Tracer } from "../../../core/process/tracing/tracer.ts";
import type { KafkaRecord } from "../../kafka/consumer.ts";
import type { MappingKeeper, RowMutation } from "../../mapping/mapping.ts";
import type { Advance, CookieChain } from "../cookie/cookie-chain.ts";
import type { BatchMeasure } from "../lane-meter.ts";
import type { Poison } from "../records/poison.ts";
import type { BatchLimits } from "../units/batch-limits.ts";
import { halveUnit } from "../units/cut-unit.ts";
import { fold } from "../units/fold.ts";
import type { RowsUnit, SourcedMutation } from "../units/unit.ts";
import type { Waits } from "../waits.ts";
import { inBatchTrace } from "./batch-trace.ts";
import type { Remapper } from "./remap.ts";
import type { RunSignals, Sender } from "./sender.ts";

export interface DelivererDeps {
  readonly sender: Sender;
  readonly chain: CookieChain;
  readonly poison: Poison;
  readonly remapper: Remapper;
  readonly keeper: MappingKeeper;
  readonly waits: Waits;
  readonly clock: Clock;
  readonly onBatch: (measure: BatchMeasure) => void;
  /** Absent: nothing is traced. */
  readonly tracer?: Tracer;
}

export interface DelivererOptions {
  readonly limits: BatchLimits;
  readonly keepRepeats: boolean;
}

/** Refusals that say nothing about single mutations but that they are too many, or too large together. */
const TOO_LARGE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["request_too_large", "too_many_mutations"]);

/** Refusals that may only mean that the tables have changed since the mapping looked at them. */
const OF_SCHEMA: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "unknown_family",
  "unknown_table",
  "unknown_field",
  "missing_key_field",
  "invalid_value",
]);

/** Refusals that are about what a mutation says. All others, such as bad credentials, are about us: the loader stops. */
const OF_MUTATIONS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...TOO_LARGE,
  ...OF_SCHEMA,
  "statement_too_large",
  "malformed_request",
  "invalid_name",
]);

export class Deliverer {
  readonly #deps: DelivererDeps;
  readonly #options: DelivererOptions;

  constructor(deps: DelivererDeps, options: DelivererOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /**
   * Resolves when every unit has taken effect or its refused events have been put aside. All are of one family.
   * @throws CtlstoreError `cookie_conflict`, the error of an event at which to stop, …
   */
  async deliver(units: readonly RowsUnit[], signals: RunSignals): Promise<void> {
    let pending: readonly (readonly RowsUnit[])[] = [units];
    let isRenewed = false;
    for (;;) {
      const [group, ...others] = pending;
      if (group === undefined) return;
      const mutations = this.#mutationsOf(group);
      const error = await this.#write(group, mutations, signals);
      if (error === null) pending = others;
      else if (!isRenewed && OF_SCHEMA.has(error.code)) {
        isRenewed = true;
        pending = await this.#renewed(pending, signals);
      } else pending = [...(await this.#narrowed({ group, mutations, error }, signals)), ...others];
    }
  }

  /** Writes mutations that move no position. @throws CtlstoreError */
  async writeAside(mutations: readonly RowMutation[], signals: RunSignals): Promise<void> {
    const [first] = mutations;
    if (first === undefined) return;
    const error = await this.#send({ family: first.family, mutations, advances: [], folded: 0 }, signals);
    if (error === null) return;
    if (!TOO_LARGE.has(error.code) || mutations.length === 1) throw error;
    const middle = Math.ceil(mutations.length / 2);
    await this.writeAside(mutations.slice(0, middle), signals);
    await this.writeAside(mutations.slice(middle), signals);
  }

  #mutationsOf(group: readonly RowsUnit[]): readonly SourcedMutation[] {
    const all = group.flatMap(({ mutations }) => mutations);
    return this.#options.keepRepeats ? all : fold(all);
  }

  /** @returns why it was refused, null when it was applied */
  #write(
    group: readonly RowsUnit[],
    sourced: readonly SourcedMutation[],
    signals: RunSignals,
  ): Promise<CtlstoreError | null> {
    const mutations = sourced.map(({ mutation }) => mutation);
    const total = group.reduce((sum, unit) => sum + unit.mutations.length, 0);
    const family = mutations[0]?.family ?? this.#anyFamily();
    const folded = total - mutations.length;
    return this.#send({ family, mutations, advances: group, folded, record: sourced[0]?.record }, signals);
  }

  async #send(
    batch: {
      readonly family: string | null;
      readonly mutations: readonly RowMutation[];
      readonly advances: readonly Advance[];
      readonly folded: number;
      /** The first that the mutations come from. */
      readonly record?: KafkaRecord | undefined;
    },
    signals: RunSignals,
  ): Promise<CtlstoreError | null> {
    const { sender, chain, clock, onBatch, tracer } = this.#deps;
    const { family, mutations, advances, folded, record } = batch;
    const link = chain.after(advances);
    // A mapping without tables: nothing is ever written, and a restart reads again what changed nothing.
    if (family === null) {
      chain.amend(link.state);
      return null;
    }
    const startMs = clock.monotonicMs();
    try {
      const { cookie } = link;
      await inBatchTrace(tracer, { family, rows: mutations.length, record }, (traced) =>
        sender.send({ family, mutations, checkCookie: chain.cookie, cookie, ...traced }, signals),
      );
    } catch (error) {
      if (isCtlstoreError(error) && OF_MUTATIONS.has(error.code) && mutations.length > 0) return error;
      throw error;
    }
    chain.commit(link);
    if (mutations.length > 0) this.#options.limits.worked();
    onBatch({ rows: mutations.length, folded, seconds: (clock.monotonicMs() - startMs) / 1000 });
    return null;
  }

  /** For a request without rows, which must name one too. */
  #anyFamily(): string | null {
    return this.#deps.keeper.current.families[0] ?? null;
  }

  /** The same units as the tables of now want them. */
  async #renewed(
    pending: readonly (readonly RowsUnit[])[],
    signals: RunSignals,
  ): Promise<readonly (readonly RowsUnit[])[]> {
    const { keeper, remapper, waits } = this.#deps;
    await waits.untilDone(signals.soft, () => keeper.renew(signals.hard));
    const renewed: RowsUnit[][] = [];
    for (const group of pending) renewed.push(await remapper.remap(group, signals));
    return renewed;
  }

  /** Smaller groups in place of one that was refused, or the same one without the event at fault. */
  async #narrowed(
    refused: {
      readonly group: readonly RowsUnit[];
      readonly mutations: readonly SourcedMutation[];
      readonly error: CtlstoreError;
    },
    signals: RunSignals,
  ): Promise<readonly (readonly RowsUnit[])[]> {
    const { group, mutations, error } = refused;
    const { index } = error.details;
    this.#learn(error.code, mutations.length);
    const culprit = mutations[index ?? 0]?.record;
    const isOne = mutations.length <= 1 || (index !== undefined && culprit !== undefined);
    if (!isOne && group.length > 1) return halves(group);
    const [only] = group;
    if (!isOne && only !== undefined && TOO_LARGE.has(error.code))
      return halveUnit(only).map((half) => [half]);
    if (culprit === undefined) throw error;
    return this.#withoutCulprit(group, culprit, error, signals);
  }

  /** The Executive takes less at a time than was thought: the next batches are smaller from the start. */
  #learn(code: ErrorCode, rows: number): void {
    const { limits } = this.#options;
    if (code === "too_many_mutations") limits.tooMany(rows);
    else if (code === "request_too_large" && rows > 1) limits.tooLarge();
  }

  async #withoutCulprit(
    group: readonly RowsUnit[],
    culprit: KafkaRecord,
    error: CtlstoreError,
    signals: RunSignals,
  ): Promise<readonly (readonly RowsUnit[])[]> {
    const isCulprits = ({ record }: SourcedMutation) => record === culprit;
    const at = group.findIndex(({ mutations }) => mutations.some(isCulprits));
    if (at > 0) return [group.slice(0, at), group.slice(at)];
    await this.#deps.poison.putAside(culprit, error, signals);
    return [group.map((unit) => ({ ...unit, mutations: unit.mutations.filter((one) => !isCulprits(one)) }))];
  }
}

function halves(group: readonly RowsUnit[]): readonly (readonly RowsUnit[])[] {
  const middle = Math.ceil(group.length / 2);
  return [group.slice(0, middle), group.slice(middle)];
}
