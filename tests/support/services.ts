/** The services of ctlstore as real processes, started through the command line as an operator does. */
import { join } from "node:path";
import { startProcess, type TestProcess } from "./process.ts";

const MAIN = join(import.meta.dir, "..", "..", "cli", "main.ts");
const START_DEADLINE_MS = 60_000;

export const SERVICE_ADMIN_TOKEN = "test-admin-token";

export interface ServiceProcess extends AsyncDisposable {
  /** Where it listens. */
  readonly url: string;
  readonly process: TestProcess;
}

/** An Executive on a free port; ready when this resolves. */
export function startExecutiveService(
  ctldbUrl: string,
  flags: readonly string[] = [],
): Promise<ServiceProcess> {
  return startService(["executive", "--ctldb", ctldbUrl, "--admin-token", SERVICE_ADMIN_TOKEN, ...flags]);
}

/** A Reflector that polls often; ready when its LDB is open. */
export function startReflectorService(ctldbUrl: string, ldbFolder: string): Promise<ServiceProcess> {
  return startService(["reflector", "--ctldb", ctldbUrl, "--ldb", ldbFolder, "--poll-interval-ms", "20"]);
}

async function startService(args: readonly string[]): Promise<ServiceProcess> {
  const child = startProcess([process.execPath, MAIN, ...args, "--bind", "127.0.0.1:0"]);
  const found = await child.waitForOutput(/http:\/\/127\.0\.0\.1:\d+/, START_DEADLINE_MS);
  return { url: found[0], process: child, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
}
