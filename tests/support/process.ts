/**
 * Child processes of tests: started, watched, killed, and never left behind.
 *
 * A child dies with the test process even when that is killed with SIGKILL: util-linux's `setpriv` asks the kernel for
 * it. Where `setpriv` is missing, children are killed by the clean-up only.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { onTestsEnd } from "./cleanup.ts";
import { watchOutput } from "./leaks.ts";
import { until } from "./until.ts";

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface TestProcess extends AsyncDisposable {
  readonly pid: number;
  /** What it has written so far. */
  readonly stdout: string;
  readonly stderr: string;
  /** Settles when the process has ended and its output is complete. */
  readonly exited: Promise<ProcessExit>;
  readonly running: boolean;
  /** Waits for output on either stream. @throws Error with the output when the process ends or time runs out first */
  waitForOutput(pattern: RegExp, deadlineMs?: number): Promise<RegExpExecArray>;
  signal(signal: NodeJS.Signals): void;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<ProcessExit>;
}

export interface ProcessOptions {
  readonly cwd?: string;
  /** Added to the environment of the tests; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Written to its stdin, which is then closed. */
  readonly input?: string;
  /** It is to tell secrets, or none of ours: what it writes is not searched for them. */
  readonly mayTellSecrets?: boolean;
}

const SETPRIV = ["/usr/bin/setpriv", "/bin/setpriv"].find((path) => existsSync(path));

/** Starts a program. `using`/`await using` kills it at the end of the block. */
export function startProcess(command: readonly string[], options: ProcessOptions = {}): TestProcess {
  const guarded = SETPRIV === undefined ? command : [SETPRIV, "--pdeathsig", "KILL", "--", ...command];
  const [program = "", ...args] = guarded;
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.on("error", () => {}); // it may have ended before it read anything
  child.stdin.end(options.input ?? "");
  return watch(child, command, options.mayTellSecrets === true);
}

/** Runs a program to its end. */
export async function runProcess(
  command: readonly string[],
  options: ProcessOptions = {},
): Promise<ProcessExit & { readonly stdout: string; readonly stderr: string }> {
  const running = startProcess(command, options);
  const exit = await running.exited;
  return { ...exit, stdout: running.stdout, stderr: running.stderr };
}

function watch(child: ChildProcess, command: readonly string[], mayTellSecrets: boolean): TestProcess {
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    // Commands print a new operator's token; logs are on standard error.
    const findsTokens = name === "stderr";
    const search = watchOutput(`${name} of ${command.slice(0, 3).join(" ")}`, { findsTokens });
    child[name]?.setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
      if (!mayTellSecrets) search.push(text);
    });
    child[name]?.once("end", () => search.end());
  }
  let ended: ProcessExit | null = null;
  const forget = onTestsEnd(() => child.kill("SIGKILL"));
  const exited = new Promise<ProcessExit>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      ended = { code, signal };
      forget();
      resolve(ended);
    });
  });
  exited.catch(() => {}); // reported by whoever awaits it
  const kill = (): Promise<ProcessExit> => {
    if (ended === null) child.kill("SIGKILL");
    return exited;
  };
  return {
    pid: child.pid ?? -1,
    get stdout() {
      return output.stdout;
    },
    get stderr() {
      return output.stderr;
    },
    exited,
    get running() {
      return ended === null;
    },
    async waitForOutput(pattern, deadlineMs = 20_000) {
      const look = () => pattern.exec(output.stdout) ?? pattern.exec(output.stderr);
      const found = await until(() => look() ?? (ended === null ? null : "ended"), {
        what: `${pattern} from ${command.join(" ")}; it wrote:\n${output.stdout}${output.stderr}`,
        deadlineMs,
      }).catch((error) => {
        throw new Error(`${error.message}\nIts output:\n${output.stdout}${output.stderr}`);
      });
      if (found === "ended") {
        throw new Error(
          `${command.join(" ")} ended (${JSON.stringify(ended)}) before it wrote ${pattern}:\n${output.stdout}${output.stderr}`,
        );
      }
      return found;
    },
    signal: (signal) => void child.kill(signal),
    kill,
    async [Symbol.asyncDispose]() {
      await kill();
    },
  };
}
