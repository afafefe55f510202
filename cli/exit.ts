/** The end of the process. */

/** Long enough for what is closing to close, short enough that nobody waits for it. */
const LINGER_MS = 1_000;

/**
 * Ends with the code once output is written and nothing is open. Output is waited for as long as its reader takes, since
 * half of an answer with exit code 0 would be a lie; something left open, such as a connection that its owner forgot,
 * does not keep the process.
 */
export function exitWith(code: number): void {
  process.exitCode = code;
  process.stdout.end(() => setTimeout(() => process.exit(code), LINGER_MS).unref());
}
