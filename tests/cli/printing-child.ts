/** Prints a million characters and a newline, and ends as commands do, with something left open. */
import { exitWith } from "../../cli/exit.ts";
import { systemContext } from "../../cli/system-context.ts";

setInterval(() => {}, 1_000);
systemContext().out("x".repeat(1_000_000));
exitWith(0);
