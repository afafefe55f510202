/** Positional arguments, parsed with errors that name them. */
import { CtlstoreError, isCtlstoreError, messageOf, quote } from "../core/errors.ts";

/** @throws CtlstoreError `config_invalid` naming the argument */
export function parseArgument<T>(name: string, value: string | undefined, parse: (text: string) => T): T {
  try {
    return parse(value ?? "");
  } catch (error) {
    if (isCtlstoreError(error)) throw new CtlstoreError("config_invalid", error.message, error.details);
    const reason = messageOf(error);
    throw new CtlstoreError("config_invalid", `Cannot use ${quote(value ?? "")} as ${name}: ${reason}`, {
      cause: error,
    });
  }
}
