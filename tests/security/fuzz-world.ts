/** What the random requests are sent to: an Executive on an embedded ctldb, in this process or as one of its own. */
import { systemClock } from "../../core/process/clock.ts";
import type { Logger } from "../../core/process/logger.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import { openCtlDb } from "../../ctldb/open.ts";
import { createApp } from "../../server/app.ts";
import { testSecret } from "../support/secrets.ts";
import { SERVICE_ADMIN_TOKEN, type ServiceProcess, startExecutiveService } from "../support/services.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { type CtlDbWatch, watchCtlDb } from "./ctldb-watch.ts";
import type { FuzzAnswer } from "./fuzz-judge.ts";
import type { FuzzKnowledge, FuzzRequest } from "./fuzz-requests.ts";

export type Sendable = Pick<FuzzRequest, "method" | "path" | "headers" | "body" | "chunked">;

export interface FuzzWorld extends AsyncDisposable {
  readonly watch: CtlDbWatch;
  send(request: Sendable): Promise<FuzzAnswer>;
  /**
   * Makes again what random requests have destroyed, and says what is known now.
   * @param round in some the writer is at its limit, in some a table is over its own
   */
  repair(round: number): Promise<FuzzKnowledge>;
  /** What was said that should not have been: log lines of errors, and of secrets. */
  complaints(): string[];
}

const WRITER = { name: "importer", secret: testSecret("importer") };
const BASE_URL = "http://localhost";

/** No port, no process: the fastest way to many answers. */
export async function openFuzzApp(): Promise<FuzzWorld> {
  const folder = tempFolder("fuzz");
  const path = folder.file("ctldb.db");
  const complaints: string[] = [];
  const logger = listeningLogger((line) => complaints.push(line));
  const ctldb = await openCtlDb(`sqlite:${path}`, { logger, clock: systemClock });
  const deps = { ctldb, logger, clock: systemClock, metrics: createMetrics() };
  const app = createApp(deps, { adminToken: SERVICE_ADMIN_TOKEN, destructiveSchemaChanges: true });
  const watch = watchCtlDb(path);
  const send = async (request: Sendable) => toAnswer(await app.handle(toRequest(BASE_URL, request)));
  return {
    watch,
    send,
    repair: (round) => repair(send, round),
    complaints: () => complaints,
    async [Symbol.asyncDispose]() {
      watch[Symbol.dispose]();
      await ctldb[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

export interface FuzzService extends FuzzWorld {
  readonly url: string;
}

/** A process of its own, with the limits that it has when nobody says anything. */
export async function openFuzzService(): Promise<FuzzService> {
  const folder = tempFolder("fuzz");
  const path = folder.file("ctldb.db");
  const executive = await startExecutiveService(`sqlite:${path}`, ["--destructive-schema-changes"]);
  const { url } = executive;
  const watch = watchCtlDb(path);
  const send = async (request: Sendable) => toAnswer(await fetch(toRequest(url, request)));
  return {
    url,
    watch,
    send,
    repair: (round) => repair(send, round),
    complaints: () => complaintsOf(executive),
    async [Symbol.asyncDispose]() {
      watch[Symbol.dispose]();
      await executive[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

export interface FuzzPair extends AsyncDisposable {
  readonly urls: readonly [string, string];
  /** @param n which of the two is asked, in turn */
  send(request: Sendable, n: number): Promise<FuzzAnswer>;
  repair: FuzzWorld["repair"];
  complaints: FuzzWorld["complaints"];
}

/** Two Executives on one ctldb, as processes. */
export async function openFuzzPair(ctldbUrl: string): Promise<FuzzPair> {
  const flags = ["--destructive-schema-changes"];
  const executives = [
    await startExecutiveService(ctldbUrl, flags),
    await startExecutiveService(ctldbUrl, flags),
  ] as const;
  const urls = [executives[0].url, executives[1].url] as const;
  const send = async (request: Sendable, n: number) =>
    toAnswer(await fetch(toRequest(urls[n % 2] ?? urls[0], request)));
  return {
    urls,
    send,
    repair: (round) => repair((request) => send(request, round), round),
    complaints: () => executives.flatMap(complaintsOf),
    async [Symbol.asyncDispose]() {
      for (const executive of executives) await executive[Symbol.asyncDispose]();
    },
  };
}

function complaintsOf({ process }: ServiceProcess): string[] {
  const lines = `${process.stdout}${process.stderr}`.split("\n").filter((line) => isComplaint(line));
  return process.running ? lines : [...lines, "the Executive has ended"];
}

function toRequest(baseUrl: string, { method, path, headers, body, chunked }: Sendable): Request {
  return new Request(`${baseUrl}${path}`, {
    method,
    headers: headers.map(([name, value]): [string, string] => [name, value]),
    redirect: "manual",
    ...(body === null ? {} : { body: chunked ? new Blob([body]).stream() : body }),
  });
}

async function toAnswer(response: Response): Promise<FuzzAnswer> {
  return { status: response.status, headers: response.headers, text: await response.text() };
}

function listeningLogger(complain: (line: string) => void): Logger {
  const look = (level: string) => (fields: unknown, message?: string) => {
    const line = JSON.stringify({ level, fields, message }, readable);
    if (isComplaint(line)) complain(line);
  };
  const logger: Logger = {
    debug: look("debug"),
    info: look("info"),
    warn: look("warn"),
    error: look("error"),
    child: () => logger,
  };
  return logger;
}

function readable(_name: string, value: unknown): unknown {
  if (value instanceof Error) return `${value.stack}`;
  return typeof value === "bigint" ? value.toString() : value;
}

function isComplaint(line: string): boolean {
  return line.includes('"level":"error"') || line.includes(testSecret("")) || /unhandled|panic/i.test(line);
}

const FIELDS = {
  item: '[["name","string"],["order","integer"],["group","integer"],["weight","decimal"],["note","text"],["picture","binary"],["checksum","bytestring"]]',
  counter: '[["id","integer"],["label","string"]]',
};

async function repair(
  send: (request: Sendable) => Promise<FuzzAnswer>,
  round: number,
): Promise<FuzzKnowledge> {
  const call = (method: string, path: string, body = "") =>
    send({
      method,
      path,
      headers: [["authorization", `Bearer ${SERVICE_ADMIN_TOKEN}`]],
      body: body === "" ? null : new TextEncoder().encode(body),
      chunked: false,
    });
  // What exists already answers 409, which is as good.
  await call("POST", "/families/shop");
  await call("POST", "/families/bank");
  await call("POST", "/families/shop/tables/item", `{"fields":${FIELDS.item},"keyFields":["name"]}`);
  await call("POST", "/families/shop/tables/counter", `{"fields":${FIELDS.counter},"keyFields":["id"]}`);
  await call("POST", `/writers/${WRITER.name}`, WRITER.secret);
  await call("POST", `/writers/${WRITER.name}/secret?overlap=0s`, WRITER.secret);
  await call("PUT", `/writers/${WRITER.name}/grants`, '{"families":null}');
  await call(
    "POST",
    `/limits/writers/${WRITER.name}`,
    `{"amount":${round % 4 === 3 ? 1 : 100_000},"period":"1m"}`,
  );
  await call("DELETE", "/limits/fleet");
  if (round % 4 === 1) await call("POST", "/limits/tables/shop/item", '{"max-size":1,"warn-size":1}');
  else await call("DELETE", "/limits/tables/shop/item");
  await call("DELETE", "/limits/tables/shop/counter");
  const otherTokens: string[] = [testSecret("no-token")];
  for (const role of ["read", "loader", "schema"]) {
    await call("DELETE", `/operators/${role}-one`);
    const { text } = await call("POST", `/operators/${role}-one`, JSON.stringify({ role }));
    otherTokens.push((JSON.parse(text) as { token: string }).token);
  }
  return { adminToken: SERVICE_ADMIN_TOKEN, otherTokens, writer: WRITER };
}
