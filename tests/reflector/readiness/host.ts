/** A host for tests: a real `ctlstore reflector`, and a ctldb that can come, go and grow. */
import { renameSync } from "node:fs";
import { parseFamilyName, parseTableName, parseWriterName } from "../../../core/names.ts";
import { systemClock } from "../../../core/process/clock.ts";
import { silentLogger } from "../../../core/process/logger.ts";
import { parseTableSchema } from "../../../core/schema.ts";
import { openCtlDb } from "../../../ctldb/open.ts";
import { startProcess, type TestProcess } from "../../support/process.ts";
import { ctlstore } from "../../support/services.ts";
import { until } from "../../support/until.ts";

const DEPS = { logger: silentLogger, clock: systemClock };
const FAMILY = parseFamilyName("fam");
const TABLE = parseTableName("tbl");
const WRITER = parseWriterName("writer");

/** Makes an embedded ctldb with one row. It is there whole or not at all: it is built elsewhere and moved in. */
export async function makeCtldb(path: string): Promise<void> {
  const staged = `${path}.new`;
  {
    await using ctldb = await openCtlDb(`sqlite:${staged}`, DEPS);
    await ctldb.createFamily(FAMILY);
    const fields = [
      ["k", "integer"],
      ["v", "string"],
    ] as const;
    await ctldb.createTables([parseTableSchema("fam", "tbl", { fields, keyFields: ["k"] })]);
    await ctldb.writers.register(WRITER, "s3cr3t-host");
    const mutation = { table: TABLE, kind: "upsert" as const, values: { k: 1, v: "a" } };
    await ctldb.write({ writer: WRITER, secret: "s3cr3t-host", family: FAMILY, mutations: [mutation] });
  }
  renameSync(staged, path);
}

export interface HostAnswer {
  readonly status: number;
  readonly body: {
    readonly ready: boolean;
    readonly healthy: boolean;
    readonly lagSeconds: number | null;
    readonly state: string;
    readonly reason: { readonly code: string } | null;
  };
}

export interface TestHost extends AsyncDisposable {
  readonly url: string;
  readonly process: TestProcess;
  readyz(): Promise<HostAnswer>;
  /** Waits until /readyz answers 200. */
  isReady(): Promise<HostAnswer["body"]>;
}

export interface HostOptions {
  readonly ctldb: string;
  readonly ldb: string;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Of the compiled Reflector; absent: the command line, from source. */
  readonly binary?: string;
}

/** Starts a Reflector; it listens when this resolves. */
export async function startHost(options: HostOptions): Promise<TestHost> {
  const { ctldb, ldb, flags = [], env = {}, binary } = options;
  const args = ["--ldb", ldb, "--bind", "127.0.0.1:0", "--poll-interval-ms", "20", ...flags];
  const surroundings = { env: { CTLSTORE_CTLDB: ctldb, CTLSTORE_LOG_LEVEL: "warn", ...env } };
  const command = binary === undefined ? ctlstore("reflector", ...args) : [binary, ...args];
  const child = startProcess(command, surroundings);
  const [url] = await child.waitForOutput(/http:\/\/127\.0\.0\.1:\d+/, 60_000);
  const readyz = async () => {
    const response = await fetch(`${url}/readyz`);
    return { status: response.status, body: await response.json() };
  };
  return {
    url,
    process: child,
    readyz,
    isReady: async () => {
      const ready = async () => {
        const { status, body } = await readyz();
        return status === 200 ? body : null;
      };
      return until(ready, { what: `${url}/readyz to answer 200` });
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
