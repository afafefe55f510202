/** Transactions of a real origin stay whole up to the reader, who never sees a sum that the origin did not have (I10). */
import { describe, expect, test } from "bun:test";
import { type LdbReads, openReader } from "../../../reader/index.ts";
import { hasKafka } from "../../support/kafka/cluster.ts";
import { LoaderWorld } from "../../support/loader/loader-world.ts";
import { Connector } from "../../support/origin/connector.ts";
import { type Origin, startOrigin } from "../../support/origin/origin.ts";
import { startReflectorService } from "../../support/services.ts";
import { runsOf, seededRandom, suiteSeed } from "../../support/suite.ts";
import { until } from "../../support/until.ts";

const ACCOUNTS = 20;
const TRANSFERS = runsOf({ quick: 150, deep: 3_000 });
const TOTAL = 2 * ACCOUNTS * 100;
const TABLES = ["savings", "spendings"] as const;

async function makeAccounts(origin: Origin): Promise<void> {
  const rows = Array.from({ length: ACCOUNTS }, (_, id) => `(${id}, 100)`).join(", ");
  for (const table of TABLES) {
    await origin.query(`CREATE TABLE ${table} (id INT PRIMARY KEY, amount INT)`);
    await origin.query(`INSERT INTO ${table} VALUES ${rows}`);
  }
}

interface Account {
  readonly table: string;
  readonly id: number;
}

/** Moves money between accounts of both tables, several times a transaction; now and then one gets another number. */
async function transfer(origin: Origin, random: () => number): Promise<void> {
  const below = (bound: number) => Math.floor(random() * bound);
  const accounts: Account[] = TABLES.flatMap((table) =>
    Array.from({ length: ACCOUNTS }, (_, id) => ({ table, id })),
  );
  const connection = await origin.connect();
  const add = (index: number, amount: number) => {
    const { table = "", id = 0 } = accounts[index] ?? {};
    return connection.query(`UPDATE ${table} SET amount = amount + ${amount} WHERE id = ${id}`);
  };
  for (let i = 0; i < TRANSFERS; i++) {
    await connection.query("BEGIN");
    for (let moves = 1 + below(4); moves > 0; moves--) {
      const amount = 1 + below(50);
      await add(below(accounts.length), -amount);
      await add(below(accounts.length), amount);
    }
    const isRenumbered = random() < 0.15;
    if (isRenumbered) {
      const index = below(accounts.length);
      const { table = "", id = 0 } = accounts[index] ?? {};
      await connection.query(`UPDATE ${table} SET id = ${1_000 + i} WHERE id = ${id}`);
      accounts[index] = { table, id: 1_000 + i };
    }
    await connection.query(!isRenumbered && random() < 0.1 ? "ROLLBACK" : "COMMIT");
  }
  await connection.end();
}

/** The sum over both tables in one state; null before they are there. */
function sumOf(reads: LdbReads): number | null {
  const rows = TABLES.flatMap((table) => [...reads.getRowsByKeyPrefix("bank", table)]);
  return rows.length === 0 ? null : rows.reduce((sum, row) => sum + Number(row["amount"]), 0);
}

/** What the server itself says, as `table id amount`. */
async function originRows(origin: Origin): Promise<string[]> {
  const parts = TABLES.map((table) => `SELECT '${table}' AS name, id, amount FROM ${table}`);
  const rows = await origin.query(parts.join(" UNION ALL "));
  return rows.map((row) => `${row["name"]} ${row["id"]} ${row["amount"]}`).sort();
}

function readRows(reads: LdbReads): string[] {
  const rows = TABLES.flatMap((table) =>
    [...reads.getRowsByKeyPrefix("bank", table)].map((row) => `${table} ${row["id"]} ${row["amount"]}`),
  );
  return rows.sort();
}

describe.skipIf(!hasKafka)("transactions of a real origin", () => {
  test("I10 are whole for a reader, who never sees money that is on its way, when --preserve-transactions is given", async () => {
    const random = seededRandom(suiteSeed());
    await using origin = await startOrigin();
    await using world = await LoaderWorld.start();
    await makeAccounts(origin);
    await using connector = new Connector({
      origin,
      prefix: "bank",
      partitions: 3,
      schemas: true,
      transactions: true,
      produce: (records) => world.produce(records),
    });
    for (const table of TABLES) await world.kafka.createTopic(connector.topicOf(table), 3);
    await world.kafka.createTopic("bank.transaction", 1);
    const tables = TABLES.map((table) => ({
      topic: connector.topicOf(table),
      family: "bank",
      table,
      create: true,
    }));
    const mapping = world.mapping({ version: 1, transactionTopic: "bank.transaction", tables });
    await connector.start(TABLES);
    await using loader = await world.startLoader(mapping, ["--preserve-transactions"]);
    const ldb = world.folder.file("ldb");
    await using _reflector = await startReflectorService(world.ctldbUrl, ldb, ["--poll-interval-ms", "10"]);
    using reader = openReader({ path: ldb });
    const look = () => reader.snapshot(sumOf);
    await until(() => look() === TOTAL, {
      what: "the snapshot to arrive",
      deadlineMs: 30_000,
    }).catch((error) => {
      throw new Error(loader.process.stderr, { cause: error });
    });

    const sums = new Set<number | null>();
    let isOver = false;
    const transfers = transfer(origin, random).finally(() => {
      isOver = true;
    });
    await until(
      () => {
        sums.add(look());
        return isOver;
      },
      { what: "the transfers", deadlineMs: 120_000, intervalMs: 1 },
    );
    await transfers;
    await connector.caughtUp();
    const expected = await originRows(origin);
    const isSame = () => {
      sums.add(look());
      return Bun.deepEquals(reader.snapshot(readRows), expected);
    };
    await until(isSame, { what: "the end", deadlineMs: 30_000, intervalMs: 1 }).catch(() => {});
    expect(reader.snapshot(readRows)).toEqual(expected);
    expect(sums).toEqual(new Set([TOTAL]));
    loader.process.signal("SIGTERM");
    expect(await loader.process.exited).toEqual({ code: 0, signal: null });
  }, 120_000);
});
