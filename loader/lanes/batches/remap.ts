/** Maps the events of a batch again, after its tables were found to have changed under it. */
import type { KafkaRecord } from "../../kafka/consumer.ts";
import type { EventMapper } from "../records/event-mapper.ts";
import type { RowsUnit, SourcedMutation } from "../units/unit.ts";
import type { RunSignals } from "./sender.ts";

export class Remapper {
  readonly #events: EventMapper;

  constructor(events: EventMapper) {
    this.#events = events;
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
    const before = unit.mutations.filter((sourced) => sourced.record === record);
    const { mutations } = (await this.#events.map(record, signals)).mapped;
    // Another family would not go into the same request: then the Executive is asked about the old ones once more.
    const family = before[0]?.mutation.family;
    if (mutations.some((mutation) => mutation.family !== family)) return before;
    return mutations.map((mutation) => ({ mutation, record }));
  }
}

/** In the order of their first mutations. */
function recordsOf({ mutations }: RowsUnit): ReadonlySet<KafkaRecord> {
  return new Set(mutations.map(({ record }) => record));
}
