/** What a reader has to say that is no error. */
import type { ReaderWarning } from "./types.ts";

/** The first SQLite without the WAL-reset fault, which can damage a database that is being written. */
const SOUND_SQLITE = [3, 51, 3] as const;

const told = new Set<string>();

/** Hands the warning to the process, each text once. */
export function warnOnce(warning: ReaderWarning): void {
  if (told.has(warning.message)) return;
  told.add(warning.message);
  process.emitWarning(warning.message, { type: "CtlstoreWarning", code: warning.code });
}

export function isOlderThanSound(version: string): boolean {
  const parts = version.split(".").map(Number);
  for (let i = 0; i < SOUND_SQLITE.length; i++) {
    const difference = (parts[i] ?? 0) - (SOUND_SQLITE[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

export function warnOfOldSqlite(
  driverName: string,
  version: string,
  onWarning: (warning: ReaderWarning) => void,
): void {
  if (!isOlderThanSound(version)) return;
  onWarning({
    code: "old_sqlite",
    message:
      `${driverName} brings SQLite ${version}; before ${SOUND_SQLITE.join(".")} its write-ahead log has a fault that ` +
      "can damage a database in use. Update the runtime or the driver.",
  });
}
