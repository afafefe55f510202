/** Somebody opens the LDB for writing beside its Reflector, as with the sqlite3 shell (R19). */
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { openReader } from "../../reader/index.ts";
import { query, reflect, rowsOf } from "../reflector/harness.ts";
import { CREATE_T, MemoryLedger, put } from "../reflector/memory-ledger.ts";
import { startProcess, type TestProcess } from "../support/process.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { startHotReaders } from "./hot-readers.ts";

const SMALL_WAL = { walCheckpointBytes: 16 * 1024, walCapBytes: 64 * 1024 };

/** Opens a database as the shell does, with SQLite's defaults, and runs a program with it as `db`. */
function stranger(path: string, program: string): TestProcess {
  const script = `const { Database } = require("bun:sqlite");
    const db = new Database(process.argv[1]);
    db.run("PRAGMA busy_timeout = 5000");
    ${program}`;
  return startProcess([process.execPath, "-e", script, path]);
}

const CHECKPOINTS = `for (let i = 0; i < 200; i++) {
    for (const mode of ["PASSIVE", "FULL", "RESTART", "TRUNCATE"]) db.query("PRAGMA wal_checkpoint(" + mode + ")").all();
  }
  db.close();
  console.log("done");`;

describe("a stranger with the LDB open for writing", () => {
  test("R19 breaks nothing by checkpoints of every kind while rows are applied and read", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T, put(1, "first"));
    await using reflector = await reflect(ledger, folder.path, SMALL_WAL);
    await reflector.reaches("current");
    await using readers = await startHotReaders(1, folder.path);
    await using shell = stranger(folder.file("ldb.db"), CHECKPOINTS);
    for (let i = 0; shell.running || i < 20; i++) {
      ledger.appendTransaction(...Array.from({ length: 40 }, (_, k) => put(k, `${i} ${"x".repeat(100)}`)));
      await reflector.applies(ledger.head);
    }
    expect(shell.stdout, shell.stderr).toContain("done");
    const [report] = await readers.stop();
    expect(report?.failure).toBeNull();
    expect(rowsOf(folder.path)).toHaveLength(40);
    expect(query(folder.path, "PRAGMA integrity_check")).toEqual([{ integrity_check: "ok" }]);
  });

  test("R19 holds applying up by a transaction left open, reads go on (I15), and it goes on after", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T, put(1, "first"));
    await using reflector = await reflect(ledger, folder.path);
    await reflector.reaches("current");
    const program = 'db.run("BEGIN IMMEDIATE"); console.log("holds"); setInterval(() => {}, 1000);';
    await using shell = stranger(folder.file("ldb.db"), program);
    await shell.waitForOutput(/holds/);
    using reader = openReader({ path: folder.path });
    ledger.append(put(2, "second"));
    const { reason } = await reflector.reaches("stuck", "ldb_unavailable");
    expect(reason?.message).toContain("SQLITE_BUSY");
    expect(reader.getRowByKey("fam", "tbl", 1)).toEqual({ k: 1, v: "first" });
    await shell.kill();
    await reflector.applies(ledger.head);
    expect(reader.getRowByKey("fam", "tbl", 2)).toEqual({ k: 2, v: "second" });
  });

  test("R19 R16 deletes the log's files as the last one to close, and the next start makes them again", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T, put(1, "first"));
    const first = await reflect(ledger, folder.path);
    const { path } = (await first.reaches("current")).ldb;
    await first.stop();
    const shell = stranger(path, 'db.query("SELECT count(*) FROM fam___tbl").get(); db.close();');
    expect((await shell.exited).code, shell.stderr).toBe(0);
    expect(existsSync(`${path}-wal`)).toBe(false);
    await using second = await reflect(ledger, folder.path);
    ledger.append(put(1, "again"));
    await second.applies(ledger.head);
    expect(existsSync(`${path}-wal`)).toBe(true);
    expect(rowsOf(folder.path)).toEqual(["1=again"]);
  });
});
