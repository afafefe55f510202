/** The real world, as commands see it. */
import { text as readText } from "node:stream/consumers";
import { systemClock } from "../core/process/clock.ts";
import { createLogger, type LogLevel } from "../core/process/logger.ts";
import type { CommandContext } from "./command.ts";
import { listenForStop } from "./signals.ts";

export function systemContext(): CommandContext {
  // A reader that has seen enough (`ctlstore … | head`) is no error of ours.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  const note = (line: string) => void process.stderr.write(`${line}\n`);
  let stop: AbortSignal | null = null;
  let reload: (() => void) | null = null;
  return {
    out: (line) => void process.stdout.write(`${line}\n`),
    note,
    environment: process.env,
    clock: systemClock,
    random: Math.random,
    stdin: () => readText(process.stdin),
    ask: process.stdin.isTTY === true && process.stderr.isTTY === true ? askAtTerminal : null,
    interactive: process.stdout.isTTY === true,
    get columns() {
      // Terminals that do not know say 0.
      return process.stdout.isTTY === true && process.stdout.columns > 0 ? process.stdout.columns : undefined;
    },
    watched: process.stderr.isTTY === true,
    logger: (component: string, level: LogLevel) => createLogger(component, level),
    stopSignal() {
      stop ??= listenForStop(note, () => reload);
      return stop;
    },
    onHangup(wanted) {
      if (process.stdin.isTTY !== true) reload = wanted;
    },
  };
}

/** One line of standard input; the empty text when it ends. The question is on standard error, beside what scripts read. */
async function askAtTerminal(question: string): Promise<string> {
  const { createInterface } = await import("node:readline");
  process.stderr.write(question);
  // Not as a terminal: Ctrl-C stays the signal that ends us.
  const lines = createInterface({ input: process.stdin, terminal: false });
  try {
    return await new Promise<string>((resolve) => {
      lines.once("line", resolve);
      lines.once("close", () => resolve(""));
    });
  } finally {
    lines.close();
  }
}
