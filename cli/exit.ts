/** The end of the process. */

/** Long enough for output to be taken, short enough that nobody waits for it. */
const LINGER_MS = 1_000;

/**
 * Ends with the code once output is written and nothing is open. Something left open, such as a connection that its
 * owner forgot, does not keep the process.
 */
export function exitWith(code: number): void {
  process.exitCode = code;
  setTimeout(() => process.exit(code), LINGER_MS).unref();
}
