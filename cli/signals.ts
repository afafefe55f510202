/** SIGTERM and SIGINT: the first asks a service to finish what it has begun, the second ends the process at once. */
import { CommandFailure } from "./failure.ts";

/**
 * One key press may arrive several times: the terminal signals the whole process group, and npm and our launcher pass
 * theirs on. What comes within this time of the first is its echo.
 */
const ECHO_MS = 300;

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Takes over the signals. Aborts at the first one.
 * @param reload what SIGHUP means in place of stopping, at the time that it comes; null when it stops
 */
export function listenForStop(
  note: (line: string) => void,
  reload: () => (() => void) | null = () => null,
): AbortSignal {
  const controller = new AbortController();
  let firstAtMs: number | null = null;
  for (const signal of Object.keys(EXIT_CODES) as (keyof typeof EXIT_CODES)[]) {
    process.on(signal, () => {
      const hangup = signal === "SIGHUP" ? reload() : null;
      if (hangup !== null) {
        hangup();
        return;
      }
      const nowMs = performance.now();
      if (firstAtMs === null) {
        firstAtMs = nowMs;
        note(`${signal}: stopping; a second signal ends at once`);
        // A service ends well; a command that has not done its work says in one line why.
        controller.abort(new CommandFailure(`stopped by ${signal}`));
      } else if (nowMs - firstAtMs > ECHO_MS) {
        process.exit(EXIT_CODES[signal]);
      }
    });
  }
  return controller.signal;
}
