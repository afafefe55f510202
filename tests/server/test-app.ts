/** An Executive's app on a real embedded ctldb in a temporary folder, with one family, two tables and one writer. */

import { Database } from "bun:sqlite";
import { systemClock } from "../../core/process/clock.ts";
import { type Logger, silentLogger } from "../../core/process/logger.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import type { CtlDb } from "../../ctldb/contract.ts";
import { openCtlDb } from "../../ctldb/open.ts";
import { type App, createApp } from "../../server/app.ts";
import type { AppDeps, AppOptions } from "../../server/context.ts";
import { TEST_ADMIN_TOKEN } from "../support/secrets.ts";
import { tempFolder } from "../support/temp-folder.ts";

export const ADMIN_TOKEN = TEST_ADMIN_TOKEN;
export const ADMIN = { authorization: `Bearer ${ADMIN_TOKEN}` };
export const WRITER = { "ctlstore-writer": "importer", "ctlstore-secret": "s3cr3t-writer" };

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; null when it is none. */
  readonly json: unknown;
  /** `error.code` of the body. */
  readonly code: string | null;
}

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: string | Uint8Array<ArrayBuffer> | ReadableStream;
  readonly headers?: Record<string, string>;
}

export interface TestApp extends AsyncDisposable {
  readonly app: App;
  readonly ctldb: CtlDb;
  readonly deps: AppDeps;
  call(call: Call): Promise<Answer>;
  /** Sends a batch to family `shop`. */
  mutate(body: unknown): Promise<Answer>;
  /** The head of the ledger: equal before and after means that nothing was written. */
  headSequence(): Promise<bigint>;
  /** Rows of the ctldb itself. */
  rows(sql: string): unknown[];
}

export interface TestAppOptions extends Partial<AppOptions> {
  readonly logger?: Logger;
  /** Puts something between the app and the ctldb. */
  readonly wrap?: (ctldb: CtlDb) => CtlDb;
}

export async function openTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const folder = tempFolder("server");
  const logger = options.logger ?? silentLogger;
  const ctldb = await openCtlDb(`sqlite:${folder.file("ctldb.db")}`, { logger, clock: systemClock });
  const deps = {
    ctldb: options.wrap?.(ctldb) ?? ctldb,
    logger,
    clock: systemClock,
    metrics: createMetrics(),
  };
  const app = createApp(deps, { adminToken: ADMIN_TOKEN, ...options });
  const call = async ({ method, path, body, headers = ADMIN }: Call) =>
    toAnswer(
      await app.handle(
        new Request(`http://localhost${path}`, { method, headers, ...(body === undefined ? {} : { body }) }),
      ),
    );
  await prepare(call);
  return {
    app,
    ctldb,
    deps,
    call,
    mutate: (body) =>
      call({ method: "POST", path: "/families/shop/mutations", body: JSON.stringify(body), headers: WRITER }),
    headSequence: async () => (await ctldb.status()).headSequence,
    rows: (sql) => {
      using database = new Database(folder.file("ctldb.db"), { readonly: true, safeIntegers: true });
      return database.query(sql).all();
    },
    async [Symbol.asyncDispose]() {
      await ctldb[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

/** Every field type, and two fields named like SQL keywords. */
export const ITEM_FIELDS = [
  ["name", "string"],
  ["order", "integer"],
  ["group", "integer"],
  ["weight", "decimal"],
  ["note", "text"],
  ["picture", "binary"],
  ["checksum", "bytestring"],
];

async function prepare(call: (call: Call) => Promise<Answer>): Promise<void> {
  const calls: Call[] = [
    { method: "POST", path: "/families/shop" },
    {
      method: "POST",
      path: "/families/shop/tables/item",
      body: JSON.stringify({ fields: ITEM_FIELDS, keyFields: ["name"] }),
    },
    {
      method: "POST",
      path: "/families/shop/tables/counter",
      body: JSON.stringify({
        fields: [
          ["id", "integer"],
          ["label", "string"],
        ],
        keyFields: ["id"],
      }),
    },
    { method: "POST", path: "/writers/importer", body: "s3cr3t-writer" },
  ];
  for (const one of calls) {
    const { status, text } = await call(one);
    if (status !== 200) throw new Error(`${one.method} ${one.path}: ${status} ${text}`);
  }
}

export async function toAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  let json: unknown = null;
  try {
    json = JSON.parse(text);
  } catch {
    // Not JSON: a page, a cookie, metrics.
  }
  return { status: response.status, headers: response.headers, text, json, code: codeOf(json) };
}

function codeOf(json: unknown): string | null {
  const error = (json as { error?: { code?: unknown } } | null)?.error;
  return typeof error?.code === "string" ? error.code : null;
}
