/** The judge of growth against the plainest model of it: rows with their lengths, and sums before and after (R35). */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { isCtlstoreError } from "../../../core/errors.ts";
import { deleteStatement, upsertStatement } from "../../../core/ledger/statements.ts";
import type { TableSchema } from "../../../core/schema.ts";
import { type FullTables, prepareGrowth } from "../../../ctldb/limits/growth.ts";
import { newRowBytes } from "../../../ctldb/limits/row-sizes.ts";
import { systemRows } from "../../../ctldb/sqlite/rows.ts";
import type { LockedLedger, RowOperation } from "../../../ctldb/store.ts";
import { runsOf, seededRandom, suiteSeed } from "../../support/suite.ts";
import { failureOf, table } from "../fixture.ts";

const definition = {
  // The key is not first, and its parts are in another order than declared.
  fields: [
    ["note", "text"],
    ["k2", "string"],
    ["n", "integer"],
    ["k1", "integer"],
  ],
  keyFields: ["k1", "k2"],
} as const;
const FULL = table("full", definition);
const ALSO_FULL = table("also_full", definition);
const ROOMY = table("roomy", definition);
const LIMIT = { warnBytes: 1n, maxBytes: 2n };

const tables: FullTables = {
  isFull: (schema) => schema !== ROOMY,
  isSameTable: async () => true,
};

type Key = readonly [number, string];

function upsertOf(schema: TableSchema, [k1, k2]: Key, note: string | null, n: bigint | null): RowOperation {
  const values = [note, k2, n, BigInt(k1)];
  return { kind: "upsert", schema, values, statement: upsertStatement(schema, values) };
}

function deleteOf(schema: TableSchema, [k1, k2]: Key): RowOperation {
  const values = [BigInt(k1), k2];
  return { kind: "delete", schema, values, statement: deleteStatement(schema, values) };
}

function openTables(): Database {
  const db = new Database(":memory:", { safeIntegers: true });
  for (const name of ["full", "also_full", "roomy"])
    db.run(
      `CREATE TABLE fam___${name} (note TEXT, k2 VARCHAR(191), n INTEGER, k1 INTEGER, PRIMARY KEY (k1, k2))`,
    );
  return db;
}

/** A lock whose reads are counted. */
function lockOn(db: Database) {
  const queries: string[] = [];
  const head = { sequence: 0n, schemaVersion: 0n, hash: new Uint8Array() } as unknown as LockedLedger["head"];
  const query = async (sql: string) => {
    queries.push(sql);
    return systemRows(db, sql);
  };
  return { locked: { head, query }, queries };
}

const deps = { tables, limitOf: () => LIMIT };

describe("the judge of growth", () => {
  test("admits exactly the writes that leave no full table with longer rows, whatever came before (R35)", async () => {
    const seed = suiteSeed();
    const random = seededRandom(seed);
    const pick = (count: number) => Math.floor(random() * count);
    const keys: Key[] = [
      [0, "a"],
      [0, "b'"],
      [1, "a\u0000"],
      [1, "é"],
      [-2, ""],
    ];
    const operation = (): RowOperation => {
      const schema = [FULL, FULL, ALSO_FULL, ROOMY][pick(4)] ?? FULL;
      const key = keys[pick(keys.length)] ?? [0, "a"];
      if (pick(3) === 0) return deleteOf(schema, key);
      return upsertOf(schema, key, pick(4) === 0 ? null : "é".repeat(pick(6)), pick(2) === 0 ? null : 5n);
    };
    for (let run = 0; run < runsOf({ quick: 150, deep: 5_000 }); run++) {
      using db = openTables();
      for (let i = pick(10); i > 0; i--) db.run(operation().statement);
      const writes = Array.from({ length: 1 + pick(6) }, () => ({
        operations: Array.from({ length: 1 + pick(4) }, operation),
      }));
      const { locked } = lockOn(db);
      const newJudge = await prepareGrowth(writes, locked, deps);
      let judge = newJudge();
      const admitted: typeof writes = [];
      for (const [index, write] of writes.entries()) {
        if (pick(3) === 0) {
          // As after a write that the database has refused.
          judge = newJudge();
          for (const each of admitted) judge.take(each);
        }
        const before = lengths(db);
        db.run("SAVEPOINT write");
        for (const { statement } of write.operations) db.run(statement);
        const after = lengths(db);
        const mayPass = before.every((bytes, i) => (after[i] ?? 0) <= bytes);
        const passes = admits(() => judge.assertMayGrow(write));
        expect({ seed, run, index, passes }).toEqual({ seed, run, index, passes: mayPass });
        if (passes) admitted.push(write);
        else db.run("ROLLBACK TO write");
        db.run("RELEASE write");
      }
    }
  });

  test("reads nothing when no table is full, or when full ones are only deleted from", async () => {
    using db = openTables();
    const { locked, queries } = lockOn(db);
    const roomy = { operations: [upsertOf(ROOMY, [1, "a"], "long", 1n)] };
    const deleting = {
      operations: [deleteOf(FULL, [1, "a"]), deleteOf(FULL, [2, "b"]), ...roomy.operations],
    };
    const newJudge = await prepareGrowth([roomy, deleting], locked, deps);
    for (const write of [roomy, deleting]) newJudge().assertMayGrow(write);
    expect(queries).toEqual([]);
  });

  test("reads the rows of many writes in queries of bounded length, each row once", async () => {
    using db = openTables();
    const stored = Array.from({ length: 700 }, (_, id) => upsertOf(FULL, [id, "é".repeat(10)], "note", 1n));
    for (const { statement } of stored) db.run(statement);
    const { locked, queries } = lockOn(db);
    const writes = Array.from({ length: 14 }, (_, i) => ({ operations: stored.slice(50 * i, 50 * i + 50) }));
    const newJudge = await prepareGrowth([...writes, ...writes], locked, deps);
    expect(queries.length).toBe(7);
    expect(Math.max(...queries.map((sql) => sql.length))).toBeLessThan(130_000);
    const judge = newJudge();
    for (const write of writes) judge.assertMayGrow(write);
    const longer = { operations: [upsertOf(FULL, [699, "é".repeat(10)], "note!", 1n)] };
    expect((await failureOf((async () => judge.assertMayGrow(longer))())).details.index).toBe(0);
  });

  test("holds two rows apart whose keys would look the same side by side", async () => {
    using db = openTables();
    db.run(upsertOf(FULL, [1, 'a" "b'], "long enough", null).statement);
    const { locked } = lockOn(db);
    const write = { operations: [upsertOf(FULL, [1, "a"], "long", null)] };
    const newJudge = await prepareGrowth([write], locked, deps);
    expect(admits(() => newJudge().assertMayGrow(write))).toBe(false);
  });
});

/** What the rows of each full table take. */
function lengths(db: Database): number[] {
  return ["full", "also_full"].map((name) =>
    db
      .query<{ note: string | null; k2: string; n: bigint | null; k1: bigint }, []>(
        `SELECT * FROM fam___${name}`,
      )
      .all()
      .reduce((sum, { note, k2, n, k1 }) => sum + newRowBytes([note, k2, n, k1]), 0),
  );
}

function admits(judge: () => void): boolean {
  try {
    judge();
    return true;
  } catch (error) {
    if (isCtlstoreError(error) && error.code === "table_full") return false;
    throw error;
  }
}
