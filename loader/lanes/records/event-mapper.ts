/** Maps a record, whatever that takes: tables and fields are made where the mapping allows it, bad events are put aside. */
import { CtlstoreError, type ErrorCode, isCtlstoreError } from "../../../core/errors.ts";
import { LANE_LIMITS } from "../../../core/limits.ts";
import type { KafkaRecord } from "../../kafka/consumer.ts";
import type { MappingKeeper, SchemaNeed } from "../../mapping/mapping.ts";
import type { RunSignals } from "../batches/sender.ts";
import type { NotLoadedReason } from "../lane-meter.ts";
import type { MappedRecord } from "../units/unit-maker.ts";
import { retryReasonOf, type Waits } from "../waits.ts";
import { type RecordMapper, unreadable } from "./map-record.ts";
import type { Poison } from "./poison.ts";

export interface EventMapperDeps {
  readonly mapper: RecordMapper;
  readonly keeper: MappingKeeper;
  readonly poison: Poison;
  readonly waits: Waits;
}

export interface MappedEvent {
  readonly mapped: MappedRecord;
  /** Null also of an event that was put aside. */
  readonly notLoaded: NotLoadedReason | null;
}

/** Errors of a schema change that are about this loader, not about the event that needs the change. */
const OF_LOADER: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "bad_credentials",
  "not_granted",
  "mapping_invalid",
  "config_invalid",
]);

export class EventMapper {
  readonly #deps: EventMapperDeps;

  constructor(deps: EventMapperDeps) {
    this.#deps = deps;
  }

  /** @throws CtlstoreError the event's, when it is not put aside */
  async map(record: KafkaRecord, signals: RunSignals): Promise<MappedEvent> {
    const { mapper, poison } = this.#deps;
    try {
      for (let round = 0; ; round++) {
        const outcome = mapper.map(record);
        if (outcome.kind === "mapped") return outcome;
        if (round === LANE_LIMITS.schemaRounds) throw neverSatisfied(outcome.need);
        await this.#satisfy(outcome.need, signals);
      }
    } catch (error) {
      if (!isCtlstoreError(error) || OF_LOADER.has(error.code) || retryReasonOf(error) !== null) throw error;
      await poison.putAside(record, error, signals);
      return { mapped: unreadable(record), notLoaded: null };
    }
  }

  #satisfy(need: SchemaNeed, { soft, hard }: RunSignals): Promise<void> {
    const { waits, keeper } = this.#deps;
    return waits.untilDone(soft, () => keeper.satisfy(need, hard));
  }
}

function neverSatisfied(need: SchemaNeed): CtlstoreError {
  const what = need.kind === "create-table" ? "its table" : "more fields";
  return new CtlstoreError(
    "event_refused",
    `Cannot make the tables fit the event: it needs ${what} still, after ${LANE_LIMITS.schemaRounds} changes`,
    { hint: "does something else drop them?" },
  );
}
