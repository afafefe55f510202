/**
 * Secrets that were given on the command line itself (R45): everybody on the host can read them in the list of processes
 * as long as the command runs, and the shell keeps them in its history. They work, and whoever gives them is told.
 */
import { type Options, variablesOf } from "./options.ts";

/** The URL of a ctldb or a store is secret for the password that it may hold; one of a webhook for all of it. */
const URL_WITHOUT_PASSWORD = /^(?:sqlite|mysql|file|s3):(?!\/\/[^/?#]*:[^/?#]*@)/i;
/** Of a setting `name=value`. */
const SECRET_SETTING = /^[^=]*(?:password|secret|jaas)[^=]*=/i;

/** One line for each option that tells a secret. @param given what the command line has, by flag */
export function exposedSecrets(
  options: Options,
  given: Readonly<Record<string, readonly string[] | undefined>>,
): string[] {
  return Object.values(options)
    .filter(({ flag, secret, hidden = false }) =>
      (given[flag] ?? []).some((text) => (secret ? isSecret(text) : hidden && SECRET_SETTING.test(text))),
    )
    .map((declared) => {
      const instead = declared.secret ? `@FILE or ${variablesOf(declared)[0]}` : "a file";
      return `warning: --${declared.flag} shows a secret to everybody on this host who lists processes; give it by ${instead}`;
    });
}

function isSecret(text: string): boolean {
  return text !== "" && !text.startsWith("@") && !URL_WITHOUT_PASSWORD.test(text);
}
