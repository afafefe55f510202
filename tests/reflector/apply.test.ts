/** Applying the ledger: what moves together, what is refused, and what never leaves a trace. */
import { describe, expect, test } from "bun:test";
import { BEGIN_MARKER, COMMIT_MARKER } from "../../core/ledger/statements.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { query, reflect, rowsOf } from "./harness.ts";
import { CREATE_T, ctldbAway, MemoryLedger, put } from "./memory-ledger.ts";

describe("the Reflector", () => {
  test("I4 moves rows, sequence, timestamp and hash together when it applies the ledger", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T, put(1, "a"));
    ledger.appendTransaction(put(2, "b"), put(3, "c"));
    await using reflector = await reflect(ledger, folder.path);
    const status = await reflector.reaches("current");
    expect(rowsOf(folder.path)).toEqual(["1=a", "2=b", "3=c"]);
    expect(query(folder.path, "SELECT seq FROM _ldb_seq")).toEqual([{ seq: 6 }]);
    expect(query(folder.path, "SELECT timestamp FROM _ldb_last_update WHERE name = 'ledger'")).toEqual([
      { timestamp: "2026-09-21 14:13:20+00:00" },
    ]);
    const [meta] = query(folder.path, "SELECT hash, epoch, schema_version, hash_sequence FROM _ldb_meta");
    expect(meta).toEqual({
      hash: ledger.entries.at(-1)?.hash,
      epoch: ledger.epoch,
      schema_version: 2,
      hash_sequence: 6,
    });
    expect(status).toMatchObject({
      sequence: 6n,
      epoch: ledger.epoch,
      schemaVersion: 2,
      unattestedThrough: 0n,
    });
    expect(status.ledgerHeadSequence).toBe(ledger.head);
  });

  test("I1 I5 goes on after the last entry when it is started again", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T, put(1, "a"));
    {
      await using reflector = await reflect(ledger, folder.path);
      await reflector.applies(2n);
    }
    const asked: bigint[] = [];
    const poll = ledger.poll.bind(ledger);
    ledger.poll = (after, limit) => {
      asked.push(after);
      return poll(after, limit);
    };
    ledger.append(put(2, "b"));
    await using again = await reflect(ledger, folder.path);
    await again.applies(3n);
    expect(asked[0]).toBe(2n);
    expect(rowsOf(folder.path)).toEqual(["1=a", "2=b"]);
  });

  test("I5 refuses a replayed entry when the source gives one", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T, put(1, "a"));
    await using reflector = await reflect(ledger, folder.path);
    await reflector.reaches("current");
    const replay = ledger.entries[1];
    if (replay === undefined) throw new Error("no entry");
    const poll = ledger.poll.bind(ledger);
    ledger.poll = async (after, limit) => ({ ...(await poll(after, limit)), entries: [replay] });
    const status = await reflector.reaches("diverged", "ledger_malformed");
    expect<bigint>(status.sequence).toBe(2n);
    expect(status.reason?.message).toContain("the LDB is at 2 already");
  });

  test("I6 keeps the open ledger transaction out of the LDB when the ctldb goes away in its middle", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    ledger.append(
      CREATE_T,
      put(0, "before"),
      BEGIN_MARKER,
      ...Array.from({ length: 20 }, (_, i) => put(i + 1, i)),
    );
    const poll = ledger.poll.bind(ledger);
    let failing = true;
    ledger.poll = async (after, limit) => {
      if (failing && after > 10n) throw ctldbAway();
      return poll(after, limit);
    };
    await using reflector = await reflect(ledger, folder.path, { pollRows: 8 });
    const status = await reflector.reaches("stuck", "ctldb_unavailable");
    expect<bigint>(status.sequence).toBe(2n);
    expect(rowsOf(folder.path)).toEqual(["0=before"]);
    failing = false;
    ledger.append(COMMIT_MARKER);
    await reflector.applies(ledger.head);
    expect(rowsOf(folder.path)).toHaveLength(21);
  });

  test("I6 refuses markers that nest or do not pair when somebody forced them in", async () => {
    for (const [statements, text] of [
      [[BEGIN_MARKER, put(1, "a"), BEGIN_MARKER], "begins inside another"],
      [[put(1, "a"), COMMIT_MARKER], "never began"],
    ] as const) {
      using folder = tempFolder();
      const ledger = new MemoryLedger();
      ledger.append(CREATE_T, ...statements);
      await using reflector = await reflect(ledger, folder.path);
      const status = await reflector.reaches("diverged", "ledger_malformed");
      expect(status.reason?.message).toContain(text);
      expect<bigint>(status.sequence).toBe(statements[0] === BEGIN_MARKER ? 1n : 2n);
    }
  });

  test.each([
    ["two statements", `${put(1, "a")}; ${put(2, "b")}`],
    ["two statements of which the first looks like an upsert", `${put(1, "a")};${put(2, "b")};`],
    ["a comment alone", "-- nothing at all"],
    ["nothing", ""],
  ])("I7 refuses an entry when it is %s, and runs none of it", async (_what, statement) => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T, statement);
    await using reflector = await reflect(ledger, folder.path);
    const status = await reflector.reaches("diverged", "ledger_malformed");
    expect(status.reason).toMatchObject({
      sequence: 2n,
      hint: expect.stringContaining("ctlstore ldb skip 2 --ldb"),
    });
    expect(rowsOf(folder.path)).toEqual([]);
  });

  test.each([
    "COMMIT",
    "/* hidden */ ROLLBACK",
    "PRAGMA user_version = 7",
    "ATTACH ':memory:' AS other",
    "UPDATE _ldb_seq SET seq = 99",
    "REPLACE INTO _ldb_seq VALUES(1,99)",
    "DROP TABLE IF EXISTS _ldb_meta",
  ])("I4 refuses %p when somebody forced it in", async (statement) => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T, statement, put(1, "a"));
    await using reflector = await reflect(ledger, folder.path);
    const status = await reflector.reaches("stuck", "statement_refused");
    expect<bigint>(status.sequence).toBe(1n);
    expect(query(folder.path, "SELECT seq FROM _ldb_seq")).toEqual([{ seq: 1 }]);
  });

  test("applies upserts of every form alike, as text or prepared, when tables come and go", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    ledger.append(
      CREATE_T,
      put(1, "it''s"),
      'REPLACE INTO fam___tbl ("k","v") VALUES(2,5)',
      'REPLACE INTO fam___tbl ("k","v") VALUES(3,1.50)',
      `REPLACE INTO fam___tbl ("k","v") VALUES(-9223372036854775808,CAST(x'6100' AS CHAR))`,
      "DROP TABLE IF EXISTS fam___tbl",
      'CREATE TABLE fam___tbl ("v" VARCHAR(191), "k" INTEGER, PRIMARY KEY("v"));',
      'REPLACE INTO fam___tbl ("k","v") VALUES(2,5)',
      'ALTER TABLE fam___tbl ADD COLUMN "extra" BLOB',
      'REPLACE INTO fam___tbl ("k","v") VALUES(3,NULL)',
      `REPLACE INTO fam___tbl ("k","v","extra") VALUES(4,'e',x'00ff')`,
    );
    await using reflector = await reflect(ledger, folder.path);
    expect((await reflector.reaches("current")).schemaVersion).toBe(5);
    const typed = "SELECT k, quote(v) AS v, quote(extra) AS extra FROM fam___tbl ORDER BY k";
    expect(query(folder.path, typed)).toEqual([
      { k: 2, v: "'5'", extra: "NULL" },
      { k: 3, v: "NULL", extra: "NULL" },
      { k: 4, v: "'e'", extra: "X'00FF'" },
    ]);
    ledger.append('REPLACE INTO fam___tbl ("k","v") VALUES(9)');
    const status = await reflector.reaches("stuck", "statement_refused");
    expect(status.reason?.message).toContain("1 values for 2 columns");
  });

  test("R9 follows sequences past 2^31 and 2^53 when the ledger is that old", async () => {
    const first = 2n ** 53n + 1n;
    const ledger = new MemoryLedger();
    ledger.takeoverSequence = (first - 1n) as typeof ledger.takeoverSequence;
    ledger.appendAt(first, CREATE_T);
    for (let i = 1n; i <= 5n; i++) ledger.appendAt(first + i, put(Number(i), "x"));
    const young = new MemoryLedger({ takeoverSequence: 2 ** 31 });
    young.appendAt(2n ** 31n + 1n, CREATE_T);
    young.appendAt(2n ** 31n + 2n, put(1, "y"));
    for (const [source, head] of [
      [ledger, first + 5n],
      [young, 2n ** 31n + 2n],
    ] as const) {
      using own = tempFolder();
      {
        await using reflector = await reflect(source, own.path, { pollRows: 2 });
        expect<bigint>((await reflector.reaches("current")).sequence).toBe(head);
      }
      source.append(put(7, "z"));
      await using again = await reflect(source, own.path);
      expect<bigint>((await again.reaches("current")).sequence).toBe(head + 1n);
      expect(query(own.path, "SELECT CAST(seq AS TEXT) AS seq FROM _ldb_seq")).toEqual([
        { seq: String(head + 1n) },
      ]);
    }
  });

  test("R10 applies a ledger transaction larger than the fetch block when it spans many polls", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T, put(0, "before"));
    ledger.appendTransaction(...Array.from({ length: 500 }, (_, i) => put(i + 1, i)));
    ledger.append(put(1_000, "after"));
    const seen: bigint[] = [];
    await using reflector = await reflect(ledger, folder.path, {
      pollRows: 7,
      sliceStatements: 3,
      transactionStatements: 10,
      onPoint: (point) => {
        if (point === "after-commit")
          seen.push(BigInt(query<{ seq: number }>(folder.path, "SELECT seq FROM _ldb_seq")[0]?.seq ?? -1));
      },
    });
    await reflector.applies(ledger.head);
    expect(rowsOf(folder.path)).toHaveLength(502);
    // Never a sequence between the markers at 3 and 504.
    expect(seen.filter((sequence) => sequence >= 3n && sequence < 504n)).toEqual([]);
    expect(seen).toContain(2n);
    expect(seen).toContain(504n);
  });

  test("R10 commits what came before when a block ends on a BEGIN", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T, put(1, "a"), BEGIN_MARKER);
    await using reflector = await reflect(ledger, folder.path, { pollRows: 3 });
    const status = await reflector.applies(2n);
    expect<bigint>(status.sequence).toBe(2n);
    ledger.append(put(2, "b"), COMMIT_MARKER);
    await reflector.applies(5n);
    expect(rowsOf(folder.path)).toEqual(["1=a", "2=b"]);
  });

  test("stop undoes the open ledger transaction when it comes in its middle", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T, BEGIN_MARKER, ...Array.from({ length: 50 }, (_, i) => put(i, i)));
    const reflector = await reflect(ledger, folder.path, { pollRows: 10 });
    await reflector.applies(1n);
    await reflector.stop();
    await reflector.stop();
    expect(ledger.disposed).toBe(true);
    expect<bigint>(reflector.status().sequence).toBe(1n);
    expect(rowsOf(folder.path)).toEqual([]);
    await reflector.done;
  });
});
