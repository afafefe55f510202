/**
 * What an error number of Kafka or librdkafka means for the loader. The only place that knows these numbers.
 *
 * "passing" heals by itself as far as anybody can know: the client goes on trying by itself.
 */
import { CtlstoreError, type ErrorCode } from "../../core/errors.ts";
import type { NativeError } from "./native.ts";

export type KafkaErrorKind =
  | "unknown-topic"
  | "denied"
  | "offset-out-of-range"
  | "too-large"
  | "fenced"
  | "broken"
  | "passing";

/** librdkafka's number for "no such offset", which `auto.offset.reset = error` asks it to say. */
const OFFSET_RESET = -140;
/** The group hands partitions out, or takes them back: no errors, though they come as such. */
const ASSIGN_PARTITIONS = -175;

const UNKNOWN_TOPIC = new Set([
  3, // unknown topic or partition
  17, // not a topic's name
  -188, // unknown topic
  -190, // unknown partition
]);

const DENIED = new Set([
  29, // topic
  30, // group
  31, // cluster
  33, // SASL mechanism that the broker does not have
  34, // SASL handshake out of order
  53, // transactional id
  58, // SASL authentication
  65, // delegation token
  -169, // authentication
  -181, // TLS: certificates
]);

/** What is written is a dead letter: it will be as large at the next attempt. */
const TOO_LARGE = new Set([
  10, // a record
  18, // a batch of them
]);

/** This client will never work again: waiting is of no use. */
const FENCED = new Set([
  82, // another consumer has our group.instance.id
  -144, // the same, by librdkafka
  -150, // fatal; of a consumer it is that
]);

/** Closed. */
const BROKEN = -172;

/** The addon forgets the numbers of what it tells as events; their texts, in small letters, are librdkafka's for -169 and -181. */
const DENIED_TEXTS = new Set(["authentication failure", "ssl error"]);

export function kindOf(error: NativeError): KafkaErrorKind {
  const code = error.code ?? 0;
  if (DENIED_TEXTS.has(error.message.toLowerCase())) return "denied";
  if (code === OFFSET_RESET || code === 1) return "offset-out-of-range";
  if (UNKNOWN_TOPIC.has(code)) return "unknown-topic";
  if (DENIED.has(code)) return "denied";
  if (TOO_LARGE.has(code)) return "too-large";
  if (FENCED.has(code)) return "fenced";
  return code === BROKEN ? "broken" : "passing";
}

/** Whether a rebalance hands partitions out; everything else takes them back. */
export function isAssignment(error: NativeError | undefined): boolean {
  return error?.code === ASSIGN_PARTITIONS;
}

const CODES: Readonly<Record<KafkaErrorKind, ErrorCode>> = {
  "unknown-topic": "kafka_topic_unknown",
  denied: "kafka_denied",
  "offset-out-of-range": "events_lost",
  "too-large": "dead_letters_unavailable",
  fenced: "loader_fenced",
  broken: "kafka_unavailable",
  passing: "kafka_unavailable",
};

const HINTS: Readonly<Record<KafkaErrorKind, string>> = {
  "unknown-topic":
    "Make the topic, or correct its name in the mapping; a cluster also hides topics that we may not describe.",
  denied:
    "Check the settings sasl.* and ssl.*, and that the cluster lets us read and describe the topics and use the group.",
  "offset-out-of-range":
    "The topic's retention was shorter than the loader was away, or the topic was made anew.",
  "too-large": "Raise max.message.bytes of that topic, or put dead letters into a file.",
  fenced:
    "Another consumer may have the same group.instance.id: give each its own, and start the loader again.",
  broken: "Start the loader again.",
  passing: "Check --brokers, the network, and the settings security.protocol, sasl.* and ssl.*.",
};

/**
 * @param action as "Cannot <action>: <state>" goes on
 * @param reason the state, in place of the error's own words
 */
export function toCtlstoreError(action: string, error: NativeError, reason = error.message): CtlstoreError {
  const kind = kindOf(error);
  return new CtlstoreError(CODES[kind], `Cannot ${action}: ${withoutStop(reason)}`, {
    hint: HINTS[kind],
    cause: error,
  });
}

/** librdkafka ends some texts with a full stop or a blank. */
function withoutStop(text: string): string {
  return text.replace(/[\s.]+$/, "");
}
