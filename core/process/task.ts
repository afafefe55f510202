/**
 * Runs long, blocking work in a child process of our own program, and listens to it.
 *
 * SQLite calls block the event loop for seconds, and what they and an SDK take of memory is not given back; a child
 * does neither to the service that started it. The child reads its input as one JSON line from stdin, which stays open
 * while the parent lives, and answers in JSON lines: `{"progress":…}` any number of times, then `{"result":…}` or
 * `{"error":{code,message,hint}}`. Its stderr is the parent's.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { CtlstoreError, ERROR_CODES, type ErrorCode, isCtlstoreError, messageOf } from "../errors.ts";

export interface TaskCall {
  /** Program and arguments that start the child. */
  readonly command: readonly string[];
  readonly name: string;
  /** Anything that JSON can hold. */
  readonly input: unknown;
  /** Ends the child; the call rejects with its reason. */
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: unknown) => void;
}

/** How long a child has for its own clean-up before it is killed. */
const KILL_AFTER_MS = 2_000;

type Ending = { readonly result: unknown } | { readonly error: CtlstoreError };

/** @throws CtlstoreError what the task failed with; `internal` when it died without an answer */
export async function runTask(call: TaskCall): Promise<unknown> {
  call.signal.throwIfAborted();
  const [program = "", ...args] = call.command;
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  const exited = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(messageOf(error)));
    child.once("close", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  const stop = () => {
    child.kill("SIGTERM");
    setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS).unref();
  };
  call.signal.addEventListener("abort", stop, { once: true });
  // A child inside a long SQLite call hears nothing, and would outlive a parent that waits for nobody.
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  child.stdin.on("error", () => {}); // it may end before it has read anything
  child.stdin.write(`${JSON.stringify({ name: call.name, input: call.input })}\n`);
  const endings: Ending[] = [];
  eachLine(child.stdout, (line) => {
    const ending = readLine(line, call.onProgress);
    if (ending !== null) endings.push(ending);
  });
  try {
    const how = await exited;
    call.signal.throwIfAborted();
    const ending = endings.at(-1);
    if (ending === undefined) {
      throw new CtlstoreError(
        "internal",
        `Cannot ${call.name}: its process ended without an answer (${how})`,
      );
    }
    if ("error" in ending) throw ending.error;
    return ending.result;
  } finally {
    call.signal.removeEventListener("abort", stop);
    process.removeListener("exit", kill);
    child.stdin.end();
    if (child.exitCode === null && child.signalCode === null) stop();
  }
}

/** Node's readline spins for ever on the stream of a program that could not be started. */
function eachLine(stream: Readable, onLine: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  });
}

function readLine(line: string, onProgress: TaskCall["onProgress"]): Ending | null {
  const message = parseLine(line);
  if (message === null) return null;
  if ("progress" in message) {
    onProgress?.(message["progress"]);
    return null;
  }
  if ("result" in message) return { result: message["result"] };
  return "error" in message ? { error: toError(message["error"]) } : null;
}

/** What `serveTask` of the same program wrote; null for anything else, such as what a runtime says before it dies. */
function parseLine(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const message: unknown = JSON.parse(line);
    const isOurs = message !== null && typeof message === "object";
    return isOurs ? (message as Record<string, unknown>) : null; // an object, whatever is in it
  } catch {
    return null;
  }
}

function toError(value: unknown): CtlstoreError {
  const { code, message, hint } = value as { code: string; message: string; hint?: string };
  const known = (ERROR_CODES as readonly string[]).includes(code) ? (code as ErrorCode) : "internal";
  return new CtlstoreError(known, message, hint === undefined ? {} : { hint });
}

/** What a task gets besides its input. */
export interface TaskContext {
  /** Aborts when the parent asks to stop, or is gone. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: unknown) => void;
}

export type Task = (input: unknown, context: TaskContext) => Promise<unknown>;

/** The child's side: runs the task that stdin names, answers on stdout, and ends the process. */
export async function serveTask(tasks: Readonly<Record<string, Task>>): Promise<never> {
  const stopping = new AbortController();
  const stop = () => stopping.abort(new Error("the task was asked to stop"));
  process.on("SIGTERM", stop);
  // The terminal sends it to the whole group: the parent decides.
  process.on("SIGINT", () => {});
  const lines = createInterface({ input: process.stdin });
  const first = new Promise<string>((resolve) => lines.once("line", resolve));
  let parentIsThere = true;
  const onParentGone = () => {
    parentIsThere = false;
    stop();
    setTimeout(() => process.exit(1), KILL_AFTER_MS);
  };
  lines.once("close", onParentGone);
  process.stdout.on("error", onParentGone);
  // Bun spins for ever over what is written for a parent that is no more.
  const say = (message: unknown) => {
    if (parentIsThere) process.stdout.write(`${JSON.stringify(message)}\n`);
  };
  try {
    const { name, input } = JSON.parse(await first) as { name: string; input: unknown };
    const task = tasks[name];
    if (task === undefined) throw new CtlstoreError("internal", `Cannot run a task: there is no ${name}`);
    const result = await task(input, {
      signal: stopping.signal,
      onProgress: (progress) => say({ progress }),
    });
    say({ result: result ?? null });
  } catch (error) {
    say({ error: describe(error) });
  }
  if (!parentIsThere) process.exit(1);
  process.stdout.end();
  await new Promise((resolve) => process.stdout.once("finish", resolve));
  process.exit(0);
}

function describe(error: unknown): { code: ErrorCode; message: string; hint?: string } {
  if (!isCtlstoreError(error)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { code: "internal", message: text };
  }
  const { hint } = error.details;
  return { code: error.code, message: error.message, ...(hint === undefined ? {} : { hint }) };
}
