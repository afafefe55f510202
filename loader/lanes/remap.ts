/** Maps the events of a batch again, after its tables were found to have changed under it. */

import { isCtlstoreError } from "../../core/errors.ts";
import type { KafkaRecord } from "../kafka/consumer.ts";
import type { RecordMapper } from "./map-record.ts";
import type { Poison } from "./poison.ts";
import type { RunSignals } from "./sender.ts";
import type { RowsUnit, SourcedMutation } from "./unit.ts";

export class Remapper {
  readonly #mapper: RecordMapper;
  readonly #poison: Poison;

  constructor(mapper: RecordMapper, poison: Poison) {
    this.#mapper = mapper;
    this.#poison = poison;
  }

  /** @throws the error of an event that fits no more, where it cannot be put aside */
  async remap(units: readonly RowsUnit[], signals: RunSignals): Promise<RowsUnit[]> {
    const remapped: RowsUnit[] = [];
    for (const unit of units) {
      const mutations: SourcedMutation[] = [];
      for (const record of recordsOf(unit))
        mutations.push(...(await this.#remapRecord(record, unit, signals)));
      remapped.push({ ...unit, mutations });
    }
    return remapped;
  }

  async #remapRecord(
    record: KafkaRecord,
    unit: RowsUnit,
    signals: RunSignals,
  ): Promise<readonly SourcedMutation[]> {
    const asBefore = unit.mutations.filter((sourced) => sourced.record === record);
    // Another family would not go into the same request; then the Executive says what it thinks of the one before.
    const family = asBefore[0]?.mutation.family;
    try {
      const outcome = this.#mapper.map(record);
      if (outcome.kind === "needs") return asBefore;
      const { mutations } = outcome.mapped;
      if (mutations.some((mutation) => mutation.family !== family)) return asBefore;
      return mutations.map((mutation) => ({ mutation, record }));
    } catch (error) {
      if (!isCtlstoreError(error)) throw error;
      await this.#poison.putAside(record, error, signals);
      return [];
    }
  }
}

/** In the order of their first mutations. */
function recordsOf({ mutations }: RowsUnit): ReadonlySet<KafkaRecord> {
  return new Set(mutations.map(({ record }) => record));
}
