/** Files that a flag names. */
import { readFileSync } from "node:fs";
import { CtlstoreError, messageOf, quote } from "../core/errors.ts";

/** @throws CtlstoreError `config_invalid`, naming the flag */
export function readGivenFile(flag: string, path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new CtlstoreError(
      "config_invalid",
      `Cannot use ${quote(path)} for --${flag}: it cannot be read (${messageOf(cause)})`,
      { cause },
    );
  }
}
