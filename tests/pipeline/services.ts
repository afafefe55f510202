/** The services of ctlstore as real processes, started by their command lines on free ports. */
import { join } from "node:path";
import { type Client, createClient, unwrap } from "../../client/index.ts";
import { type ProcessOptions, startProcess, type TestProcess } from "../support/process.ts";

export const ROOT = join(import.meta.dir, "..", "..");
export const ADMIN_TOKEN = "pipeline-admin-token";

/** Command line of `ctlstore` on this Bun. */
export function ctlstore(...args: readonly string[]): string[] {
  return [process.execPath, join(ROOT, "cli", "main.ts"), ...args];
}

export function startCtlstore(args: readonly string[], options: ProcessOptions = {}): TestProcess {
  return startProcess(ctlstore(...args), { ...options, env: { CTLSTORE_LOG_LEVEL: "warn", ...options.env } });
}

export interface ServiceAt {
  readonly process: TestProcess;
  readonly url: string;
}

export async function startExecutive(ctldb: string): Promise<ServiceAt> {
  const process = startCtlstore(["executive", "--bind", "127.0.0.1:0"], {
    env: { CTLSTORE_CTLDB: ctldb, CTLSTORE_ADMIN_TOKEN: ADMIN_TOKEN },
  });
  return { process, url: await urlFrom(process) };
}

export async function startReflector(ctldb: string, ldb: string): Promise<ServiceAt> {
  const args = ["reflector", "--ldb", ldb, "--bind", "127.0.0.1:0", "--poll-interval-ms", "20"];
  const process = startCtlstore(args, { env: { CTLSTORE_CTLDB: ctldb } });
  return { process, url: await urlFrom(process) };
}

/** Services say on standard error where they listen. */
async function urlFrom(process: TestProcess): Promise<string> {
  return (await process.waitForOutput(/(http:\/\/127\.0\.0\.1:\d+)/))[1] ?? "";
}

/** Makes family `story` with table `rows` (id, text) and a writer for it. */
export async function makeStoryTable(executiveUrl: string): Promise<Client> {
  const client = createClient(executiveUrl, { adminToken: ADMIN_TOKEN });
  unwrap(await client.families({ family: "story" }).post());
  const table = {
    fields: [
      ["id", "integer"],
      ["text", "text"],
    ] as [string, string][],
    keyFields: ["id"],
  };
  unwrap(await client.families({ family: "story" }).tables({ table: "rows" }).post(table));
  unwrap(await client.writers({ writer: "storyteller" }).post("story-secret"));
  return client;
}

export const STORY_WRITER = { writer: "storyteller", secret: "story-secret", family: "story" } as const;
