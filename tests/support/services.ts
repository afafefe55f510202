/** The services of ctlstore as real processes, started through the command line as an operator does, on free ports. */
import { join } from "node:path";
import { type ProcessOptions, startProcess, type TestProcess } from "./process.ts";
import { TEST_ADMIN_TOKEN } from "./secrets.ts";

export const ROOT = join(import.meta.dir, "..", "..");
export const SERVICE_ADMIN_TOKEN = TEST_ADMIN_TOKEN;

const START_DEADLINE_MS = 60_000;

export interface ServiceProcess extends AsyncDisposable {
  /** Where it listens. */
  readonly url: string;
  readonly process: TestProcess;
}

/** Command line of `ctlstore` on this Bun. */
export function ctlstore(...args: readonly string[]): string[] {
  return [process.execPath, join(ROOT, "cli", "main.ts"), ...args];
}

export function startCtlstore(args: readonly string[], options: ProcessOptions = {}): TestProcess {
  return startProcess(ctlstore(...args), { ...options, env: { CTLSTORE_LOG_LEVEL: "warn", ...options.env } });
}

type Environment = Readonly<Record<string, string>>;

/** Tests are about something else than limits, unless their own flags, which count over these, say so. */
const WITHOUT_LIMITS = [
  "--writer-rows-per-minute",
  "none",
  "--table-warn-size",
  "none",
  "--table-max-size",
  "none",
];

/**
 * An Executive without limits; ready when this resolves.
 * @param port where one was before that was killed; any free one when absent
 */
export function startExecutiveService(
  ctldbUrl: string,
  flags: readonly string[] = [],
  port = 0,
  more: Environment = {},
): Promise<ServiceProcess> {
  const env = { CTLSTORE_CTLDB: ctldbUrl, CTLSTORE_ADMIN_TOKEN: SERVICE_ADMIN_TOKEN, ...more };
  return startService(["executive", ...WITHOUT_LIMITS, ...flags], env, port);
}

/** A Reflector that polls often, unless a flag says otherwise; its LDB is open when this resolves. */
export function startReflectorService(
  ctldbUrl: string,
  ldbFolder: string,
  flags: readonly string[] = ["--poll-interval-ms", "20"],
  more: Environment = {},
): Promise<ServiceProcess> {
  return startService(["reflector", "--ldb", ldbFolder, ...flags], { CTLSTORE_CTLDB: ctldbUrl, ...more });
}

async function startService(args: readonly string[], env: Environment, port = 0): Promise<ServiceProcess> {
  const child = startCtlstore([...args, "--bind", `127.0.0.1:${port}`], { env });
  // Services say on standard error where they listen.
  const [url] = await child.waitForOutput(/http:\/\/127\.0\.0\.1:\d+/, START_DEADLINE_MS);
  return { url, process: child, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
}
