/** The LDB's folder: generations, adoption, left-overs, damage, and one writer (R17). */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { toSequence } from "../../core/sequence.ts";
import { ignoreCrashPoint } from "../../ldb/crash-points.ts";
import { currentLdb, publishGeneration, stageGeneration } from "../../ldb/generations.ts";
import { SUPERSEDED } from "../../ldb/layout.ts";
import { createLdbFolder, openLdbFolder } from "../../ldb/ldb-folder.ts";
import { ensureOwnTables, readPosition, writePosition } from "../../ldb/position.ts";
import { WritableDatabase } from "../../ldb/writable-database.ts";
import { WriterLock } from "../../ldb/writer-lock.ts";
import { startProcess } from "../support/process.ts";
import { tempFolder } from "../support/temp-folder.ts";

const KILLED_WRITER = new URL("./killed-writer.ts", import.meta.url).pathname;
const DEPS = { clock: systemClock, logger: silentLogger, onPoint: ignoreCrashPoint };

function open(folder: string) {
  return openLdbFolder(folder, DEPS);
}

/** A database file with one table and one row. */
function plainDatabase(path: string, value: string): void {
  const database = new Database(path, { create: true });
  database.run("PRAGMA journal_mode = WAL");
  database.run("CREATE TABLE fam___tbl (k INTEGER PRIMARY KEY, v TEXT)");
  database.run("INSERT INTO fam___tbl VALUES (1, ?)", [value]);
  database.close();
}

/** Opens the folder's LDB in another process, writes a value that stays in the log, and dies by SIGKILL. */
async function killedWriter(folder: string, value: string): Promise<void> {
  const child = startProcess([process.execPath, KILLED_WRITER, folder, value]);
  expect((await child.exited).signal).toBe("SIGKILL");
}

function valueIn(path: string): unknown {
  const database = new Database(path, { readonly: true });
  try {
    return database.query<{ v: string }, []>("SELECT v FROM fam___tbl WHERE k = 1").get()?.v;
  } finally {
    database.close();
  }
}

describe("an LDB folder", () => {
  test("gets an empty generation and a link to it when it is new", () => {
    using folder = tempFolder();
    const ldb = open(folder.path);
    expect(readPosition(ldb.database)).toMatchObject({
      sequence: 0n,
      hash: null,
      epoch: null,
      schemaVersion: 1,
    });
    expect(readlinkSync(folder.file("ldb.db"))).toBe(`generations/${ldb.generation}/ldb.db`);
    expect(ldb.database.get("PRAGMA journal_mode")).toEqual({ journal_mode: "wal" });
    ldb.database.close();
    // PERSIST_WAL: readers on a read-only mount need both.
    expect(existsSync(`${ldb.path}-wal`)).toBe(true);
    expect(existsSync(`${ldb.path}-shm`)).toBe(true);
    const again = open(folder.path);
    expect(again.generation).toBe(ldb.generation);
    again.database.close();
  });

  test("is adopted as it is when ldb.db is a plain file", () => {
    using folder = tempFolder();
    plainDatabase(folder.file("ldb.db"), "as it was");
    const ldb = open(folder.path);
    expect(ldb.generation).toBeNull();
    ldb.database.close();
    expect(lstatSync(folder.file("ldb.db")).isFile()).toBe(true);
    expect(valueIn(folder.file("ldb.db"))).toBe("as it was");
  });

  test("follows an operator's own link to a database elsewhere", () => {
    using folder = tempFolder();
    mkdirSync(folder.file("elsewhere"));
    plainDatabase(folder.file("elsewhere", "data.db"), "linked");
    createLdbFolder(folder.file("ldb"));
    symlinkSync(folder.file("elsewhere", "data.db"), folder.file("ldb", "ldb.db"));
    const ldb = open(folder.file("ldb"));
    expect(ldb.generation).toBeNull();
    expect(ldb.path).toEndWith("data.db");
    ldb.database.close();
  });

  test("R17 serves a published generation alone when the database before it left a -wal", () => {
    using folder = tempFolder();
    const old = open(folder.path);
    old.database.run("CREATE TABLE fam___tbl (k INTEGER PRIMARY KEY, v TEXT)");
    old.database.run("INSERT INTO fam___tbl VALUES (1, 'old')");
    // Not closed: its -wal holds the row and nothing has checkpointed it.
    const reader = new Database(old.path, { readonly: true });
    expect(reader.query("SELECT v FROM fam___tbl").get()).toEqual({ v: "old" });
    const staged = stageGeneration(folder.path, systemClock.nowUs());
    plainDatabase(staged.databasePath, "new");
    publishGeneration(folder.path, staged, ignoreCrashPoint);
    expect(valueIn(folder.file("ldb.db"))).toBe("new");
    old.database.close();
    const ldb = open(folder.path);
    expect(ldb.generation).toBe(staged.id);
    ldb.database.close();
    expect(valueIn(folder.file("ldb.db"))).toBe("new");
    // Whoever still reads the old one is told that it was replaced, and it stays until then.
    expect(reader.query("SELECT schema_version FROM _ldb_meta").get()).toEqual({
      schema_version: SUPERSEDED,
    });
    expect(readdirSync(folder.file("generations"))).toHaveLength(2);
    reader.close();
    open(folder.path).database.close();
    expect(readdirSync(folder.file("generations"))).toEqual([staged.id]);
  });

  test("R17 sets a -wal aside when somebody deleted only the plain ldb.db", async () => {
    using folder = tempFolder();
    plainDatabase(folder.file("ldb.db"), "old");
    await killedWriter(folder.path, "in the log");
    rmSync(folder.file("ldb.db"));
    expect(statSync(folder.file("ldb.db-wal")).size).toBeGreaterThan(0);
    const ldb = open(folder.path);
    expect(readPosition(ldb.database).sequence).toBe(toSequence(0));
    ldb.database.close();
    expect(existsSync(folder.file("ldb.db-wal"))).toBe(false);
    const aside = readdirSync(folder.path).find((name) => name.startsWith("set-aside-")) ?? "none";
    expect(readdirSync(folder.file(aside)).sort()).toEqual(["ldb.db-shm", "ldb.db-wal"]);
  });

  test("R17 sets a -wal aside when somebody put another plain ldb.db beside it", async () => {
    using folder = tempFolder();
    plainDatabase(folder.file("ldb.db"), "old");
    await killedWriter(folder.path, "in the log");
    plainDatabase(folder.file("new.db"), "new");
    renameSync(folder.file("new.db"), folder.file("ldb.db"));
    const ldb = open(folder.path);
    expect(ldb.database.get("SELECT v FROM fam___tbl")).toEqual({ v: "new" });
    ldb.database.close();
    expect(valueIn(folder.file("ldb.db"))).toBe("new");
  });

  test("R17 leaves no rows in the log of a plain ldb.db when it is closed cleanly", () => {
    using folder = tempFolder();
    plainDatabase(folder.file("ldb.db"), "old");
    const adopted = open(folder.path);
    adopted.database.run("UPDATE fam___tbl SET v = 'in the log'");
    adopted.database.close();
    expect(statSync(folder.file("ldb.db-wal")).size).toBe(0);
    expect(valueIn(folder.file("ldb.db"))).toBe("in the log");
  });

  test("keeps the -wal of a plain ldb.db that is the same as before a crash", async () => {
    using folder = tempFolder();
    plainDatabase(folder.file("ldb.db"), "old");
    await killedWriter(folder.path, "in the log");
    const ldb = open(folder.path);
    expect(ldb.database.get("SELECT v FROM fam___tbl")).toEqual({ v: "in the log" });
    ldb.database.close();
  });

  test("R17 starts anew when somebody deleted only the database of the current generation", () => {
    using folder = tempFolder();
    const first = open(folder.path);
    first.database.close();
    rmSync(first.path);
    expect(currentLdb(folder.path).kind).toBe("dangling");
    const ldb = open(folder.path);
    expect(ldb.generation).not.toBe(first.generation);
    ldb.database.close();
    expect(readdirSync(folder.file("generations"))).toEqual([ldb.generation ?? ""]);
  });

  test("R17 is cleaned of what a crash between stage and flip left", () => {
    using folder = tempFolder();
    const first = open(folder.path);
    first.database.close();
    const staged = stageGeneration(folder.path, systemClock.nowUs());
    writeFileSync(staged.databasePath, "half a database");
    symlinkSync("generations/x/ldb.db", folder.file(".ldb.db.next-x"));
    const ldb = open(folder.path);
    expect(ldb.generation).toBe(first.generation);
    ldb.database.close();
    expect(readdirSync(folder.file("generations"))).toEqual([first.generation ?? ""]);
    expect(readdirSync(folder.path).filter((name) => name.startsWith(".ldb"))).toEqual([]);
  });

  test("R16 has a -wal and a -shm for readers who may not make them when it was published and no writer came since", () => {
    using folder = tempFolder();
    const staged = stageGeneration(folder.path, systemClock.nowUs());
    plainDatabase(staged.databasePath, "new");
    for (const side of ["-wal", "-shm"]) rmSync(`${staged.databasePath}${side}`, { force: true });
    publishGeneration(folder.path, staged, ignoreCrashPoint);
    for (const side of ["-wal", "-shm"]) expect(existsSync(`${staged.databasePath}${side}`)).toBe(true);
  });

  test("R17 keeps the old one current when the process dies during the flip", () => {
    using folder = tempFolder();
    const first = open(folder.path);
    first.database.close();
    const staged = stageGeneration(folder.path, systemClock.nowUs());
    plainDatabase(staged.databasePath, "new");
    const die = () => {
      throw new Error("killed here");
    };
    expect(() => publishGeneration(folder.path, staged, die)).toThrow("killed here");
    const current = currentLdb(folder.path);
    expect(current.kind === "generation" ? current.generation.id : null).toBe(first.generation);
  });

  test("is refused as damaged when ldb.db is not a database", () => {
    using folder = tempFolder();
    writeFileSync(folder.file("ldb.db"), "this is no database at all".repeat(500));
    expect(() => open(folder.path)).toThrow(expect.objectContaining({ code: "ldb_damaged" }));
  });

  test("is refused as unavailable when the folder cannot be made", () => {
    using folder = tempFolder();
    writeFileSync(folder.file("file"), "");
    expect(() => createLdbFolder(folder.file("file", "ldb"))).toThrow(
      expect.objectContaining({ code: "ldb_unavailable" }),
    );
  });

  test("R40 is refused when a newer ctlstore wrote it in another format", () => {
    using folder = tempFolder();
    using database = open(folder.path).database;
    database.run("UPDATE _ldb_meta SET format_version = 99");
    expect(() => readPosition(database)).toThrow(expect.objectContaining({ code: "ldb_incompatible" }));
  });

  test("tells by hasMoved when the database was deleted or replaced under the connection", () => {
    using folder = tempFolder();
    const ldb = open(folder.path);
    expect(ldb.database.hasMoved()).toBe(false);
    renameSync(ldb.path, `${ldb.path}.gone`);
    expect(ldb.database.hasMoved()).toBe(true);
    ldb.database.close();
  });
});

describe("the position", () => {
  test("I4 I12 comes back exactly as it was written, past 2^53", () => {
    using folder = tempFolder();
    using database = open(folder.path).database;
    const position = {
      sequence: toSequence(2n ** 62n + 3n),
      hash: new Uint8Array(32).fill(9),
      epoch: "ab".repeat(16),
      ledgerTimestampUs: 1_790_000_000_123_456,
      appliedAtUs: 1_790_000_001_000_001,
      schemaVersion: 12,
      unattestedThrough: toSequence(2n ** 60n + 1n),
    };
    writePosition(database, position);
    expect(readPosition(database)).toEqual(position);
  });

  test("has no hash and another schema version when the original's Reflector moved the LDB since", () => {
    using folder = tempFolder();
    using database = open(folder.path).database;
    writePosition(database, {
      sequence: toSequence(5),
      hash: new Uint8Array(32).fill(9),
      epoch: "ab".repeat(16),
      ledgerTimestampUs: 1,
      appliedAtUs: 1,
      schemaVersion: 3,
      unattestedThrough: toSequence(0),
    });
    database.run("UPDATE _ldb_seq SET seq = 7");
    expect(readPosition(database)).toMatchObject({
      sequence: 7n,
      hash: null,
      schemaVersion: 4,
      unattestedThrough: 7n,
    });
  });

  test("gets its columns when _ldb_meta has its first form", () => {
    using folder = tempFolder();
    using database = WritableDatabase.open(join(folder.path, "ldb.db"));
    ensureOwnTables(database);
    database.run("ALTER TABLE _ldb_meta DROP COLUMN hash_sequence");
    ensureOwnTables(database);
    expect(readPosition(database).sequence).toBe(toSequence(0));
  });
});

describe("the writer lock", () => {
  test("R17 keeps a second writer out and names the first", () => {
    using folder = tempFolder();
    const lock = WriterLock.acquire(folder.path, systemClock);
    expect(() => WriterLock.acquire(folder.path, systemClock)).toThrow(
      expect.objectContaining({
        code: "ldb_locked",
        message: expect.stringContaining(`process ${process.pid} on `),
      }),
    );
    lock.release();
    WriterLock.acquire(folder.path, systemClock).release();
  });

  test("says so when the lock file is something else", () => {
    using folder = tempFolder();
    writeFileSync(folder.file("reflector.lock"), "not a lock".repeat(500));
    expect(() => WriterLock.acquire(folder.path, systemClock)).toThrow(
      expect.objectContaining({ code: "ldb_unavailable" }),
    );
  });
});
