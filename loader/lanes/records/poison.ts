/**
 * Events that cannot be loaded: the loader stops at them, or puts them aside where the operator said (nothing is skipped
 * silently).
 */
import { CtlstoreError, type ErrorCode, quote } from "../../../core/errors.ts";
import type { Clock } from "../../../core/process/clock.ts";
import type { Logger } from "../../../core/process/logger.ts";
import type { DeadLetters } from "../../dead-letters/dead-letters.ts";
import type { KafkaRecord } from "../../kafka/consumer.ts";
import type { RunSignals } from "../batches/sender.ts";
import type { LaneMeter } from "../lane-meter.ts";
import type { Waits } from "../waits.ts";
import { underSignal } from "../wakeup.ts";

/** An event's own errors; whatever else is said about one, by the Executive above all, refuses it. */
const EVENT_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "event_malformed",
  "event_unmapped",
  "event_refused",
]);

/** The error of an event, with the place where it lies. */
export function eventError(record: KafkaRecord, error: CtlstoreError): CtlstoreError {
  const { topic, partition, offset } = record;
  const { field, hint } = error.details;
  const at = field === undefined ? "" : `, field ${quote(field)}`;
  return new CtlstoreError(
    EVENT_CODES.has(error.code) ? error.code : "event_refused",
    `Cannot load the event at offset ${offset} of topic ${quote(topic)}, partition ${partition}${at}: ${error.message}`,
    {
      ...(field === undefined ? {} : { field }),
      hint: hint ?? "mend the mapping, or put such events aside with --dead-letter",
      cause: error,
    },
  );
}

export interface PoisonDeps {
  readonly deadLetters: DeadLetters | null;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly meter: LaneMeter;
  readonly waits: Waits;
}

export class Poison {
  readonly #deps: PoisonDeps;

  constructor(deps: PoisonDeps) {
    this.#deps = deps;
  }

  /**
   * Resolves when the record is kept elsewhere for good, so that the cookie may move past it.
   * @throws the event's error when there is no such place, or why it could not be kept
   */
  async putAside(record: KafkaRecord, error: CtlstoreError, { soft, hard }: RunSignals): Promise<void> {
    const { deadLetters, clock, logger, meter, waits } = this.#deps;
    const located = eventError(record, error);
    if (deadLetters === null) throw located;
    const letter = {
      record,
      code: located.code,
      field: error.details.field ?? null,
      reason: error.message,
      timeMs: Math.floor(clock.nowUs() / 1000),
    };
    await waits.untilDone(soft, () => underSignal(hard, (signal) => deadLetters.put(letter, signal)));
    meter.deadLetter(record.topic, located.code);
    const { topic, partition, offset } = record;
    const { code, field, reason } = letter;
    logger.error(
      { topic, partition, offset, code, field, reason, place: deadLetters.place },
      "event put aside",
    );
  }
}
