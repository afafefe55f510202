/** Processes that read an LDB as fast as they can, and what they saw. */
import { join } from "node:path";
import { startProcess } from "../support/process.ts";

export interface HotReaderReport {
  readonly reads: number;
  readonly meanMs: number;
  readonly slowestMs: number;
  /** Reads that took more than a millisecond, with when they began in milliseconds since 1970; the first 10,000. */
  readonly slow: readonly { readonly atMs: number; readonly millis: number }[];
  readonly sequence: number;
  readonly failure: string | null;
}

export interface HotReaders extends AsyncDisposable {
  readonly pids: readonly number[];
  /** Ends them and says what each saw. @throws Error when one died */
  stop(): Promise<readonly HotReaderReport[]>;
}

/** Starts readers; each has read once when this resolves. @param pauseMs between two reads of one; none unless given */
export async function startHotReaders(count: number, ldb: string, pauseMs?: number): Promise<HotReaders> {
  const program = join(import.meta.dir, "hot-reader.ts");
  const processes = Array.from({ length: count }, () =>
    startProcess([process.execPath, program, ldb, ...(pauseMs === undefined ? [] : [String(pauseMs)])]),
  );
  await Promise.all(processes.map((reader) => reader.waitForOutput(/ready/, 60_000)));
  return {
    pids: processes.map(({ pid }) => pid),
    stop: () =>
      Promise.all(
        processes.map(async (reader) => {
          reader.signal("SIGTERM");
          const exit = await reader.exited;
          if (exit.code !== 0) throw new Error(`a reader ended by ${JSON.stringify(exit)}: ${reader.stderr}`);
          return JSON.parse(reader.stdout.trim().split("\n").at(-1) ?? "") as HotReaderReport;
        }),
      ),
    async [Symbol.asyncDispose]() {
      await Promise.all(processes.map((reader) => reader.kill()));
    },
  };
}
