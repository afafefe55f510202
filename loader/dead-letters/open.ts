/** Dead letters where the operator wants them: `file:PATH` or `topic:NAME`. */
import { CtlstoreError, quote } from "../../core/errors.ts";
import type { KafkaProducer } from "../kafka/consumer.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { openFileLetters } from "./file-letters.ts";
import { TopicLetters } from "./topic-letters.ts";

export type DeadLetterPlace =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "topic"; readonly topic: string };

/** Kafka's rule for names of topics. */
const TOPIC = /^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/;

/**
 * What `--dead-letter` says.
 * @param loaded topics that the loader reads: a letter in one of them would be read as an event
 * @throws CtlstoreError `config_invalid`
 */
export function parseDeadLetterPlace(text: string, loaded: readonly string[] = []): DeadLetterPlace {
  const [, kind, name = ""] = /^(file|topic):(.+)$/s.exec(text) ?? [];
  if (kind === "file") return { kind, path: name };
  if (kind === "topic" && TOPIC.test(name) && !loaded.includes(name)) return { kind, topic: name };
  const why = loaded.includes(name)
    ? "the loader reads that topic"
    : "it is neither file:PATH nor topic:NAME";
  throw new CtlstoreError("config_invalid", `Cannot put dead letters into ${quote(text)}: ${why}`, {
    hint: "--dead-letter",
  });
}

/**
 * Opens a place for dead letters; a file is made if there is none.
 * @param producer called for a topic only
 * @throws CtlstoreError `dead_letters_unavailable`
 */
export async function openDeadLetters(
  place: DeadLetterPlace,
  producer: () => KafkaProducer,
): Promise<DeadLetters> {
  return place.kind === "file"
    ? await openFileLetters(place.path)
    : new TopicLetters(place.topic, producer());
}
