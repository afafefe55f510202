/** A command's world in which nothing is real but what the test gives. */
import type { CommandContext } from "../../cli/command.ts";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";

export interface FakeContext extends CommandContext {
  readonly outLines: string[];
  readonly noteLines: string[];
}

export function fakeContext(given: Partial<CommandContext> = {}): FakeContext {
  const outLines: string[] = [];
  const noteLines: string[] = [];
  return {
    outLines,
    noteLines,
    out: (line) => void outLines.push(line),
    note: (line) => void noteLines.push(line),
    environment: {},
    clock: systemClock,
    random: Math.random,
    stdin: async () => "",
    ask: null,
    interactive: false,
    watched: false,
    logger: () => silentLogger,
    stopSignal: () => new AbortController().signal,
    onHangup: () => {},
    ...given,
  };
}
