/** Where records go that cannot be loaded, when the operator wants loading to go on without them. */
import type { ErrorCode } from "../../core/errors.ts";
import type { KafkaRecord } from "../kafka/consumer.ts";

/** A record that was put aside, and why. */
export interface DeadLetter {
  readonly record: KafkaRecord;
  readonly code: ErrorCode;
  /** Of the target table or of the event; null when no single one is at fault. */
  readonly field: string | null;
  readonly reason: string;
  /** When it was put aside, in milliseconds since 1970. */
  readonly timeMs: number;
}

/**
 * A place that keeps dead letters. The cookie moves past a record only when its letter is durable, so a crash in between
 * brings a letter twice and never not at all.
 */
export interface DeadLetters extends AsyncDisposable {
  /** As the operator gave it: `file:PATH` or `topic:NAME`. */
  readonly place: string;
  /**
   * Resolves when the letter is durable.
   * @throws CtlstoreError `dead_letters_unavailable`, `kafka_unavailable`, `kafka_denied`
   */
  put(letter: DeadLetter, signal?: AbortSignal): Promise<void>;
}
