/** An Executive as a process of its own for benchmarks, with one table and its writers. */
import { startProcess } from "../support/process.ts";

const ADMIN_TOKEN = "bench-token";

export interface ExecutiveProcess extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}

/** @param ctldb URL of an empty ctldb */
export async function startExecutiveProcess(ctldb: string, writers: number): Promise<ExecutiveProcess> {
  const command = [
    process.execPath,
    "cli/main.ts",
    "executive",
    "--ctldb",
    ctldb,
    "--bind",
    "127.0.0.1:0",
    "--admin-token",
    ADMIN_TOKEN,
  ];
  const executive = startProcess(command);
  const match = await executive.waitForOutput(/http:\/\/127\.0\.0\.1:\d+/, 30_000);
  const url = match[0];
  await call(url, "/families/bench");
  await call(url, "/families/bench/tables/rows", {
    fields: [
      ["id", "string"],
      ["name", "string"],
      ["count", "integer"],
      ["weight", "decimal"],
    ],
    keyFields: ["id"],
  });
  for (let i = 0; i < writers; i++) await call(url, `/writers/writer${i}`, "secret");
  return {
    url,
    pid: executive.pid,
    async [Symbol.asyncDispose]() {
      await executive.kill();
    },
  };
}

async function call(url: string, path: string, body?: unknown): Promise<void> {
  const response = await fetch(url + path, {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`);
}
