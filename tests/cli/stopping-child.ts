/** A service for the tests of signals: `bun stopping-child.ts quick|never|fatal`. */
import { exitWith } from "../../cli/exit.ts";
import { reportError } from "../../cli/run.ts";
import { runUntilStopped } from "../../cli/service.ts";
import { systemContext } from "../../cli/system-context.ts";

const kind = process.argv[2];
const context = systemContext();
const signal = context.stopSignal();
setInterval(() => {}, 1_000); // something left open does not keep the process
context.out("ready");
const done = new Promise<void>((_, reject) => {
  if (kind === "fatal") setTimeout(() => reject(new Error("cannot go on")), 10);
});
const stop = () => (kind === "never" ? new Promise<void>(() => {}) : Promise.resolve());
try {
  await runUntilStopped({ stopSignal: () => signal }, [{ name: "child", done, stop }]);
  exitWith(0);
} catch (error) {
  exitWith(reportError(error, context));
}
