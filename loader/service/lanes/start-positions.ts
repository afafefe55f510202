/**
 * Whether a position can be read from: its events must still be in Kafka, and must have been there already.
 *
 * What the cookie says is next and Kafka does not hold was lost, unless nothing was (D8): that is never passed without a word.
 */
import { CtlstoreError } from "../../../core/errors.ts";
import type { Position, Watermarks } from "../../kafka/consumer.ts";
import { BEGINNING } from "../../lanes/records/starting-positions.ts";

/** What to do when the event that the cookie says is next is not there. */
export type LostEventsPolicy = "stop" | "continue";

export type Placement =
  /** It can be read from there. */
  | { readonly kind: "there"; readonly next: number }
  /** The cookie does not know the partition: from the oldest record that is kept. */
  | { readonly kind: "beginning"; readonly next: number }
  /** Kafka has deleted the events from the position up to `next`. */
  | { readonly kind: "deleted"; readonly next: number; readonly events: number }
  /** The partition ends before the position: the topic was made anew, or this is another cluster. */
  | { readonly kind: "ahead"; readonly next: number; readonly events: number };

/** Where to read a partition from, given what it holds. */
export function placementOf(position: Position, { low, high }: Watermarks): Placement {
  const { next } = position;
  if (next === BEGINNING) return { kind: "beginning", next: low };
  if (next < low) return { kind: "deleted", next: low, events: low - next };
  if (next > high) return { kind: "ahead", next: high, events: next - high };
  return { kind: "there", next };
}

/** The error of a position whose events are not there. */
export function eventsLost(
  position: Position,
  { low, high }: Watermarks,
  placement: Extract<Placement, { readonly kind: "deleted" | "ahead" }>,
): CtlstoreError {
  const { topic, partition, next } = position;
  const why =
    placement.kind === "deleted"
      ? "Kafka has deleted it"
      : "the partition ends before it: the topic was made anew, or this is another cluster";
  const kept = low < high ? `kept are ${low} to ${high - 1}` : "nothing is kept";
  const hint =
    placement.kind === "deleted"
      ? "let Debezium make a new snapshot, then go on with --lost-events continue or `ctlstore loader seek`"
      : "`ctlstore loader seek` to the beginning, or --lost-events continue to go on at the end";
  return new CtlstoreError(
    "events_lost",
    `Cannot go on in topic ${topic}, partition ${partition}: the next event is ${next}, and ${why}; ${kept}`,
    { hint },
  );
}
