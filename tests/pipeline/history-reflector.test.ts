/** The Reflector as a process that is killed again and again while writers write and readers read. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { createClient, unwrap, Writer } from "../../client/index.ts";
import { openReader } from "../../reader/index.ts";
import { dumpCtlDb, dumpSqliteFile } from "../support/dump-rows.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { startProcess, type TestProcess } from "../support/process.ts";
import { checkLedger, readWholeLedger } from "../support/replay-ledger.ts";
import { SERVICE_ADMIN_TOKEN, startExecutiveService, startReflectorService } from "../support/services.ts";
import { runsOf, seededRandom, suiteSeed, timeoutMsOf } from "../support/suite.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";

const KILLS = runsOf({ quick: 5, deep: 100 });
const TIMEOUT_MS = timeoutMsOf({ quick: 120_000, deep: 1_200_000 });
const WAIT = { timeoutMs: 60_000 };
const FAMILY = "story";
const READER_PROCESSES = 2;

const CTLDBS = [
  ["sqlite", async (folder: string) => `sqlite:${join(folder, "ctldb.db")}`],
  ["mariadb", async () => (await sharedMariadb()).createDatabase()],
] as const;

interface Pair {
  readonly table: string;
  readonly writer: Writer;
}

/** Writes the same number into rows a and b, again and again; between them go rows that come and go. */
async function writePairs({ table, writer }: Pair, isOver: () => boolean): Promise<bigint> {
  let last = 0n;
  for (let n = 1; !isOver(); n++) {
    const passing = Array.from({ length: n % 20 }, (_, i) => ({
      table: "passing",
      delete: n % 3 === 0,
      values: { id: `${table} ${i}`, n },
    }));
    const outcome = await writer.write([
      { table, values: { id: "a", n } },
      ...passing,
      { table, values: { id: "b", n } },
    ]);
    last = outcome.sequence;
  }
  return last;
}

async function prepare(url: string): Promise<Pair[]> {
  const client = createClient(url, { adminToken: SERVICE_ADMIN_TOKEN });
  unwrap(await client.families({ family: FAMILY }).post());
  const shape = {
    fields: [
      ["id", "string"],
      ["n", "integer"],
    ] as [string, string][],
    keyFields: ["id"],
  };
  const pairs: Pair[] = [];
  for (const table of ["passing", "pair_1", "pair_2"])
    unwrap(await client.families({ family: FAMILY }).tables({ table }).post(shape));
  for (const table of ["pair_1", "pair_2"]) {
    unwrap(await client.writers({ writer: table }).post("s3cr3t-history"));
    pairs.push({
      table,
      writer: new Writer({ url, writer: table, secret: "s3cr3t-history", family: FAMILY }),
    });
  }
  return pairs;
}

/** Adds a field to a table that is being written and read. */
async function addField(url: string, table: string, name: string): Promise<void> {
  const client = createClient(url, { adminToken: SERVICE_ADMIN_TOKEN });
  unwrap(
    await client
      .families({ family: FAMILY })
      .tables({ table })
      .put({ fields: [[name, "text"]] }),
  );
}

describe.each([...CTLDBS])("the Reflector on %s", (_kind, makeUrl) => {
  test(
    "I4 I5 I8 I10 I15, R11: rows end equal and no read fails, sees half a batch or goes back when it is killed under load",
    async () => {
      using folder = tempFolder("story");
      const ctldbUrl = await makeUrl(folder.path);
      const ldb = folder.file("ldb");
      await using executive = await startExecutiveService(ctldbUrl);
      const pairs = await prepare(executive.url);
      let isOver = false;
      const writing = pairs.map((pair) => writePairs(pair, () => isOver));
      const scene = { ctldbUrl, ldb, executiveUrl: executive.url };
      let readers: TestProcess[] = [];
      try {
        readers = await startReadingUnderLoad(scene, pairs);
        await killAgainAndAgain(scene, seededRandom(suiteSeed()));
      } finally {
        isOver = true;
      }
      const [last = 0n] = (await Promise.all(writing)).toSorted((a, b) => (a > b ? -1 : 1));

      await using reflector = await startReflectorService(ctldbUrl, ldb);
      using reader = openReader({ path: ldb });
      await reader.waitFor(last, WAIT);
      for (const child of readers) await expectGoodReads(child);
      expect(dumpSqliteFile(join(ldb, "ldb.db"))).toEqual(await dumpCtlDb(ctldbUrl));
      expect(reader.getLastSequence()).toBe(last);
      const ledger = await readWholeLedger(ctldbUrl);
      expect(() => checkLedger(ledger)).not.toThrow();
      expect(reflector.process.running).toBeTrue();
    },
    TIMEOUT_MS,
  );
});

interface Scene {
  readonly ctldbUrl: string;
  readonly ldb: string;
  readonly executiveUrl: string;
}

/** Fills the LDB, then starts processes that read it. */
async function startReadingUnderLoad(
  { ctldbUrl, ldb }: Scene,
  pairs: readonly Pair[],
): Promise<TestProcess[]> {
  await using reflector = await startReflectorService(ctldbUrl, ldb);
  using reader = openReader({ path: ldb });
  const isThere = () => pairs.every(({ table }) => reader.getRowByKey(FAMILY, table, "b") !== null);
  await until(isThere, { what: "the first rows in the LDB" });
  const script = join(import.meta.dir, "history-reader.ts");
  const children = Array.from({ length: READER_PROCESSES }, (_, i) =>
    startProcess([process.execPath, script, ldb, FAMILY, pairs[i % pairs.length]?.table ?? ""]),
  );
  for (const child of children) await child.waitForOutput(/reading/);
  await reflector.process.kill();
  return children;
}

async function killAgainAndAgain(
  { ctldbUrl, ldb, executiveUrl }: Scene,
  random: () => number,
): Promise<void> {
  using reader = openReader({ path: ldb });
  for (let kill = 0; kill < KILLS; kill++) {
    await using reflector = await startReflectorService(ctldbUrl, ldb);
    // Some entries further on: a moment that says nothing about what the Reflector is doing.
    await reader.waitFor(reader.getLastSequence() + BigInt(1 + Math.floor(random() * 400)), WAIT);
    if (kill % 3 === 1) await addField(executiveUrl, `pair_${1 + (kill % 2)}`, `added_${kill}`);
    expect(reflector.process.running).toBeTrue();
    await reflector.process.kill();
  }
}

async function expectGoodReads(child: TestProcess): Promise<void> {
  child.signal("SIGTERM");
  expect(await child.exited, child.stderr).toEqual({ code: 0, signal: null });
  expect(Number(/reads (\d+)/.exec(child.stdout)?.[1])).toBeGreaterThan(100);
}
