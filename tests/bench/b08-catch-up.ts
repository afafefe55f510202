/**
 * B8: a Reflector 200,000 entries behind catches up over the network from MariaDB.
 *
 * Bounds in the same run: fetching alone, and applying alone with raw bun:sqlite (B7's peer at 100 a transaction).
 */
import { Database } from "bun:sqlite";
import { parseFamilyName, parseTableName, parseWriterName } from "../../core/names.ts";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import { parseTableSchema } from "../../core/schema.ts";
import { SEQUENCE_ZERO, type Sequence } from "../../core/sequence.ts";
import { openCtlDb, openLedgerSource } from "../../ctldb/open.ts";
import { startReflector } from "../../reflector/start.ts";
import { startMariadb } from "../support/mariadb.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { type Benchmark, inTurns, ratio } from "./report.ts";
import { SAMPLE_TABLE, sampleKey, sampleStatement } from "./sample-ldb.ts";

const ROWS = 200_000;
const BATCH = 100;
const ROUNDS = 3;
const deps = { logger: silentLogger, clock: systemClock };

async function fillLedger(url: string): Promise<Sequence> {
  await using ctldb = await openCtlDb(url, deps);
  const family = parseFamilyName("bench");
  const table = parseTableName("rows");
  const writer = parseWriterName("writer");
  await ctldb.createFamily(family);
  const fields = [
    ["id", "string"],
    ["name", "string"],
    ["count", "integer"],
    ["weight", "decimal"],
  ] as const;
  await ctldb.createTables([parseTableSchema("bench", "rows", { fields, keyFields: ["id"] })]);
  await ctldb.writers.register(writer, "secret");
  let last = SEQUENCE_ZERO;
  for (let from = 0; from < ROWS; from += BATCH * 20) {
    const writes = Array.from({ length: 20 }, (_, k) => {
      const mutations = Array.from({ length: BATCH }, (_, j) => {
        const i = from + k * BATCH + j;
        return {
          table,
          kind: "upsert" as const,
          values: { id: sampleKey(i), name: `the value of row number ${i}`, count: i, weight: i / 8 },
        };
      });
      return ctldb.write({ writer, secret: "secret", family, mutations });
    });
    for (const { sequence } of await Promise.all(writes)) if (sequence > last) last = sequence;
  }
  return last;
}

async function fetchAlone(url: string): Promise<number> {
  await using source = openLedgerSource(url, deps);
  const startedMs = performance.now();
  let after = SEQUENCE_ZERO;
  let entries = 0;
  for (;;) {
    const block = await source.poll(after, 10_000);
    entries += block.entries.length;
    after = block.entries.at(-1)?.sequence ?? after;
    if (!block.more) break;
  }
  return entries / ((performance.now() - startedMs) / 1000);
}

async function catchUpOnce(url: string, head: Sequence): Promise<number> {
  using folder = tempFolder("bench");
  const startedMs = performance.now();
  const source = openLedgerSource(url, deps);
  const reflector = await startReflector(
    { source, ...deps, metrics: createMetrics() },
    { ldbFolder: folder.path },
  );
  await until(() => reflector.status().sequence >= head, {
    what: "the Reflector at the head",
    deadlineMs: 60_000,
    intervalMs: 2,
  });
  const rate = ROWS / ((performance.now() - startedMs) / 1000);
  await reflector.stop();
  return rate;
}

function rawApply(): number {
  using folder = tempFolder("bench");
  using db = new Database(folder.file("raw.db"));
  db.run("PRAGMA journal_mode = WAL");
  db.run("PRAGMA synchronous = NORMAL");
  db.run(SAMPLE_TABLE);
  const statements = Array.from({ length: ROWS }, (_, i) => sampleStatement(i));
  const startedMs = performance.now();
  for (let from = 0; from < ROWS; from += BATCH) {
    db.run("BEGIN");
    for (let i = from; i < from + BATCH; i++) db.run(statements[i] ?? "");
    db.run("COMMIT");
  }
  return ROWS / ((performance.now() - startedMs) / 1000);
}

export const catchUp: Benchmark = {
  id: "B8",
  title: "catching up 200,000 statements over the network from MariaDB",
  async run(progress) {
    await using mariadb = await startMariadb();
    const url = await mariadb.createDatabase();
    progress("filling the ledger");
    const head = await fillLedger(url);
    progress("catching up");
    const rates = await inTurns(ROUNDS, {
      reflector: () => catchUpOnce(url, head),
      fetching: () => fetchAlone(url),
      applying: () => rawApply(),
    });
    const share = ratio(rates.reflector, rates.applying);
    return {
      id: this.id,
      title: this.title,
      settings:
        "ledger transactions of 100; MariaDB on the same machine over TCP; from the start of the Reflector to its last entry",
      figures: [
        { name: "Reflector, from start to caught up", unit: "statements/s", values: rates.reflector },
        { name: "fetching alone", unit: "entries/s", values: rates.fetching },
        {
          name: "raw bun:sqlite applying alone, 100 a transaction",
          unit: "statements/s",
          values: rates.applying,
        },
      ],
      verdicts: [
        {
          name: "against raw bun:sqlite applying alone",
          value: share,
          unit: "×",
          aim: "≥ 0.6",
          met: share >= 0.6,
        },
      ],
    };
  },
};
