/** The write-ahead log and the disk: bounded, and never the end of reading. */
import { Database } from "bun:sqlite";
import { describe, expect, spyOn, test } from "bun:test";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { ignoreCrashPoint } from "../../ldb/crash-points.ts";
import { WritableDatabase } from "../../ldb/writable-database.ts";
import { WalKeeper } from "../../reflector/wal-keeper.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";
import { reflect, rowsOf } from "./harness.ts";
import { CREATE_T, MemoryLedger, put } from "./memory-ledger.ts";

const KIB = 1024;
const SMALL = { walCheckpointBytes: 64 * KIB, walCapBytes: 256 * KIB, transactionStatements: 20 };

function manyRows(ledger: MemoryLedger, count: number): void {
  ledger.append(...Array.from({ length: count }, (_, i) => put(i, "x".repeat(180))));
}

describe("the write-ahead log", () => {
  test("I13 D19 stays bounded when readers come and go all the time", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T);
    manyRows(ledger, 10_000);
    await using reflector = await reflect(ledger, folder.path, {
      ...SMALL,
      onPoint: (point) => {
        if (point === "after-commit") rowCount();
      },
    });
    const reader = new Database(folder.file("ldb.db"), { readonly: true });
    const rowCount = () => reader.query("SELECT count(*) FROM _ldb_seq").get();
    await reflector.applies(ledger.head);
    // One ledger block may add its own pages on top of the cap before anybody can checkpoint.
    expect(reflector.status().ldb.walBytes).toBeLessThan(SMALL.walCapBytes + 256 * KIB);
    reader.close();
  });

  test("I13 D19 is cut as soon as a reader that pinned it has gone", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T, put(0, "first"));
    await using reflector = await reflect(ledger, folder.path, SMALL);
    await reflector.reaches("current");
    const reader = new Database(folder.file("ldb.db"), { readonly: true });
    reader.run("BEGIN");
    expect(reader.query("SELECT count(*) AS n FROM fam___tbl").get()).toEqual({ n: 1 });
    manyRows(ledger, 5_000);
    await reflector.applies(ledger.head);
    expect(reflector.status().ldb.walBytes).toBeGreaterThan(SMALL.walCapBytes);
    expect(reader.query("SELECT count(*) AS n FROM fam___tbl").get()).toEqual({ n: 1 });
    reader.run("COMMIT");
    reader.close();
    let i = 0;
    await until(
      () => {
        ledger.append(put(i++, "more"));
        return reflector.status().ldb.walBytes < SMALL.walCapBytes;
      },
      { what: "the log to be cut" },
    );
  });

  test("counts an insisting checkpoint that a reader blocks, and does not insist again at once", () => {
    using folder = tempFolder();
    using database = WritableDatabase.open(folder.file("ldb.db"));
    database.run("CREATE TABLE t (a)");
    const keeper = new WalKeeper(
      { database, clock: systemClock, logger: silentLogger, onPoint: ignoreCrashPoint },
      { walCheckpointBytes: 1, walCapBytes: 4096, insist: { waitMs: 10, everyMs: 60_000 } },
    );
    const reader = new Database(folder.file("ldb.db"), { readonly: true });
    reader.run("BEGIN");
    reader.query("SELECT * FROM t").all();
    for (let i = 0; i < 5; i++) {
      database.run("INSERT INTO t VALUES (?)", "x".repeat(5_000));
      keeper.afterCommit();
    }
    expect(keeper.blocked).toBe(1);
    reader.run("COMMIT");
    reader.close();
  });
});

describe("a full disk", () => {
  test("I15 R13 stops the Reflector with reads going on, and it recovers when there is space again", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T, put(0, "first"));
    const opened: WritableDatabase[] = [];
    const reallyOpen = WritableDatabase.open;
    const open = spyOn(WritableDatabase, "open").mockImplementation((path) => {
      const database = reallyOpen(path);
      opened.push(database);
      return database;
    });
    await using reflector = await reflect(ledger, folder.path);
    open.mockRestore();
    const database = opened.at(-1);
    if (database === undefined) throw new Error("no LDB was opened");
    await reflector.reaches("current");
    // SQLite answers SQLITE_FULL when the file may not grow, exactly as it does on a full disk.
    const { page_count: pages } = database.get("PRAGMA page_count") ?? {};
    database.get(`PRAGMA max_page_count = ${pages}`);
    manyRows(ledger, 2_000);
    const status = await reflector.reaches("stuck", "ldb_disk_full");
    expect(status.reason?.hint).toContain("Free space");
    expect<bigint>(status.sequence).toBe(2n);
    expect(rowsOf(folder.path)).toEqual(["0=first"]);
    database.get("PRAGMA max_page_count = 1000000");
    await reflector.reaches("current");
    expect(rowsOf(folder.path)).toHaveLength(2_000);
  });
});
