/** A loader in this process between Kafka in memory and a real Executive over HTTP, on a real embedded ctldb. */
import { readFileSync, writeFileSync } from "node:fs";
import { createClient, unwrap } from "../../../client/index.ts";
import { isCtlstoreError } from "../../../core/errors.ts";
import { LANE_LIMITS } from "../../../core/limits.ts";
import { systemClock } from "../../../core/process/clock.ts";
import type { Logger } from "../../../core/process/logger.ts";
import { silentLogger } from "../../../core/process/logger.ts";
import { createMetrics, type Metrics } from "../../../core/process/metrics.ts";
import { encodeLaneState, newSalt } from "../../../loader/lanes/cookie/cookie.ts";
import { EMPTY_LANE_STATE } from "../../../loader/lanes/cookie/lane-state.ts";
import {
  type LoaderDeps,
  type LoaderOptions,
  type RunningLoader,
  startLoader,
} from "../../../loader/loader.ts";
import { type RunningExecutive, startExecutive } from "../../../server/executive.ts";
import { ADMIN_TOKEN, openTestApp, type TestApp } from "../../server/test-app.ts";
import { type TempFolder, tempFolder } from "../../support/temp-folder.ts";
import { until } from "../../support/until.ts";
import { FakeKafka } from "./fake-kafka.ts";

export const SECRET = "s3cr3t-loader";

export interface Started extends RunningLoader {
  readonly metrics: Metrics;
}

export class World implements AsyncDisposable {
  readonly kafka = new FakeKafka();
  readonly app: TestApp;
  readonly executive: RunningExecutive;
  readonly #folder: TempFolder;
  readonly #loaders: RunningLoader[] = [];
  #mappings = 0;

  private constructor(app: TestApp, executive: RunningExecutive, folder: TempFolder) {
    this.app = app;
    this.executive = executive;
    this.#folder = folder;
  }

  static async open(): Promise<World> {
    const app = await openTestApp();
    const executive = await startExecutive(
      { ...app.deps, metrics: createMetrics() },
      { bind: "127.0.0.1:0", adminToken: ADMIN_TOKEN, destructiveSchemaChanges: true },
    );
    return new World(app, executive, tempFolder("loader-service"));
  }

  /** A table `events/TABLE` of rows with an id and a text. */
  async createTable(table: string): Promise<void> {
    const client = createClient(this.executive.url, { adminToken: ADMIN_TOKEN });
    const family = client.families({ family: "events" });
    await family.post();
    const fields: [string, string][] = [
      ["id", "integer"],
      ["what", "string"],
    ];
    unwrap(await family.tables({ table }).post({ fields, keyFields: ["id"] }));
  }

  /** A mapping file that takes each topic to the table of the same name, with this for each. */
  mapping(topics: readonly string[], table: object = {}, document: object = {}): string {
    return this.mappingOf(
      topics.map((topic) => ({ topic, family: "events", table: topic, ...table })),
      document,
    );
  }

  mappingOf(tables: readonly object[], document: object = {}): string {
    this.#mappings += 1;
    const path = this.#folder.file(`mapping-${this.#mappings}.json`);
    writeFileSync(path, JSON.stringify({ version: 1, ...document, tables }));
    return path;
  }

  /** Sends requests on; before each batch of a writer its cookie becomes that of somebody else's batch. */
  interfering(writer: string): (input: string, init?: RequestInit) => Promise<Response> {
    const headers = { "ctlstore-writer": writer, "ctlstore-secret": SECRET };
    const url = `${this.executive.url}/cookie`;
    return async (input, init) => {
      if (input.endsWith("/mutations")) {
        // The same state, by another opening of the lane: only the salt differs.
        const body = Buffer.from(encodeLaneState(EMPTY_LANE_STATE, newSalt()));
        await fetch(url, { method: "POST", headers, body });
      }
      return fetch(input, init);
    };
  }

  file(name: string): string {
    return this.#folder.file(name);
  }

  /** Writes upserts of rows to a partition. */
  produce(
    topic: string,
    partition: number,
    rows: readonly { readonly id: number; readonly what: string }[],
  ): void {
    this.kafka.produce(
      topic,
      partition,
      rows.map((row) => ({
        key: JSON.stringify({ id: row.id }),
        value: JSON.stringify({
          before: null,
          after: row,
          op: "c",
          source: source(topic),
          ts_ms: Date.now(),
        }),
      })),
    );
  }

  async start(
    mapping: string,
    options: Partial<LoaderOptions> = {},
    deps: Partial<LoaderDeps> = {},
    logger: Logger = silentLogger,
  ): Promise<Started> {
    const metrics = createMetrics();
    const loader = await startLoader(
      { kafka: this.kafka, logger, metrics, clock: systemClock, ...deps },
      {
        mapping: { text: readFileSync(mapping), name: mapping },
        executive: this.executive.url,
        adminToken: ADMIN_TOKEN,
        writer: "loader",
        secret: SECRET,
        preserveTransactions: false,
        transactionWaitMs: 1_000,
        batchRows: LANE_LIMITS.batchRows,
        batchBytes: LANE_LIMITS.batchBytes,
        lingerMs: 1,
        keepRepeats: false,
        deadLetter: null,
        lostEvents: "stop",
        once: false,
        bind: null,
        ...options,
      },
    );
    this.#loaders.push(loader);
    return { ...loader, metrics };
  }

  /** Rows of a table in the ctldb, by key. */
  rows(table: string): Map<number, string> {
    const rows = this.app.rows(`SELECT id, what FROM events___${table} ORDER BY id`);
    return new Map((rows as { id: bigint; what: string }[]).map(({ id, what }) => [Number(id), what]));
  }

  async untilRows(table: string, count: number): Promise<void> {
    await until(() => this.rows(table).size === count, { what: `${count} rows in ${table}` });
  }

  /** Statements of the ledger about a table, in order. */
  ledger(table: string): string[] {
    const rows = this.app.rows("SELECT statement FROM ctlstore_dml_ledger ORDER BY seq");
    return (rows as { statement: string }[])
      .map(({ statement }) => statement)
      .filter((statement) => statement.includes(`events___${table}`) && !statement.startsWith("CREATE"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#loaders.map((loader) => loader.stop()));
    await this.executive.stop();
    await this.app[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}

function source(topic: string): object {
  return { db: "origin", table: topic, snapshot: "false", ts_ms: Date.now() };
}

/** Rows with ids `from` to before `to`. */
export function rowsOf(from: number, to: number, what = "row"): { id: number; what: string }[] {
  return Array.from({ length: to - from }, (_, i) => ({ id: from + i, what: `${what} ${from + i}` }));
}

/** The code that it rejects with; null when it resolves. */
export async function codeOf(promise: Promise<unknown>): Promise<string | null> {
  try {
    await promise;
    return null;
  } catch (error) {
    return isCtlstoreError(error) ? error.code : String(error);
  }
}
