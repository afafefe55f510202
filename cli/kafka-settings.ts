/** Settings of librdkafka from a file and from the command line. */
import { CtlstoreError, quote } from "../core/errors.ts";
import { readGivenFile } from "./given-file.ts";

export interface KafkaSetting {
  readonly name: string;
  readonly value: string;
}

/** `KEY=VALUE`; the value may be anything, also nothing, also with more of "=". */
export function kafkaSetting(text: string): KafkaSetting {
  const at = text.indexOf("=");
  const name = text.slice(0, Math.max(0, at)).trim();
  if (!/^[A-Za-z0-9._-]+$/.test(name))
    throw new Error("it must be KEY=VALUE, such as security.protocol=sasl_ssl");
  return { name, value: text.slice(at + 1).trim() };
}

/**
 * A file of settings: `key=value` lines, as for the tools of Kafka and librdkafka. Empty lines and those that begin with
 * "#" or "!" say nothing; nothing is quoted or escaped, so a password stands as it is.
 * @throws CtlstoreError `config_invalid` naming the line, without what stands there: it may be a secret
 */
export function readKafkaSettings(path: string): readonly KafkaSetting[] {
  const cannot = (reason: string, cause?: unknown) =>
    new CtlstoreError("config_invalid", `Cannot use ${quote(path)} for --kafka-settings: ${reason}`, {
      cause,
    });
  const text = new TextDecoder().decode(readGivenFile("kafka-settings", path));
  return text.split(/\r?\n/).flatMap((line, index) => {
    const meant = line.trim();
    if (meant === "" || meant.startsWith("#") || meant.startsWith("!")) return [];
    try {
      return [kafkaSetting(meant)];
    } catch {
      throw cannot(`line ${index + 1} is not of the form key=value`);
    }
  });
}

/** All of them by name; what the command line says wins over the file. */
export function settingsOf(
  file: string | undefined,
  given: readonly KafkaSetting[],
): Readonly<Record<string, string>> {
  const all = [...(file === undefined ? [] : readKafkaSettings(file)), ...given];
  return Object.fromEntries(all.map(({ name, value }) => [name, value]));
}
