/**
 * A home folder for a user who has none: a number without a name, as containers and chroots have them.
 *
 * The AWS SDK looks into it for its settings, also where all of them are in the environment, and fails where the system
 * cannot say which it is.
 */
import { homedir } from "node:os";

export function ensureHomeFolder(environment: Record<string, string | undefined>): void {
  try {
    homedir();
  } catch {
    environment["HOME"] = "/";
  }
}
