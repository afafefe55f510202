/** An LDB made by the original ctlstore, adopted as it is; and one that goes back and forth between the two. */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { type Sequence, toSequence } from "../../core/sequence.ts";
import { dumpSqliteFile } from "../support/dump-rows.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { query, reflect, rowsOf } from "./harness.ts";
import { CREATE_T, MemoryLedger, put } from "./memory-ledger.ts";

const ORIGINAL_LDB = new URL("../interchange/fixtures/original-ldb.db.gz", import.meta.url).pathname;

/** An LDB as the original's Reflector leaves it at a sequence, with one table. */
function originalLdb(path: string, sequence: number, statements: readonly string[]): void {
  const database = new Database(path, { create: true });
  database.run("PRAGMA journal_mode = WAL");
  database.run("CREATE TABLE _ldb_seq (id INTEGER PRIMARY KEY NOT NULL, seq BIGINT NOT NULL)");
  database.run(
    "CREATE TABLE _ldb_last_update (name STRING PRIMARY KEY NOT NULL, timestamp DATETIME NOT NULL)",
  );
  for (const statement of statements) database.run(statement);
  database.run("INSERT INTO _ldb_seq VALUES (1, ?)", [sequence]);
  database.run("INSERT INTO _ldb_last_update VALUES ('ledger', '2026-11-22 12:00:00+00:00')");
  database.close();
}

describe("an LDB of the original", () => {
  test("is adopted as a plain ldb.db with every row when our Reflector is started on its folder", async () => {
    using folder = tempFolder();
    writeFileSync(folder.file("ldb.db"), gunzipSync(readFileSync(ORIGINAL_LDB)));
    const before = dumpSqliteFile(folder.file("ldb.db"));
    const ledger = new MemoryLedger({ takeoverSequence: 352 });
    ledger.appendAt(352n, 'DELETE FROM fam1___ints WHERE "id" = 1', false);
    ledger.appendAt(353n, `REPLACE INTO fam1___ints ("id","v") VALUES(4711,'ours')`);
    await using reflector = await reflect(ledger, folder.path);
    const status = await reflector.applies(353n);
    expect(lstatSync(folder.file("ldb.db")).isFile()).toBe(true);
    expect(status).toMatchObject({ sequence: 353n, unattestedThrough: 352n, epoch: ledger.epoch });
    expect(status.ldb.generation).toBeNull();
    expect(query(folder.path, "SELECT v FROM fam1___ints WHERE id = 4711")).toEqual([{ v: "ours" }]);
    expect(Object.keys(before).length).toBeGreaterThan(30);
    const { fam1___ints: _ours, ...others } = dumpSqliteFile(folder.file("ldb.db"));
    const { fam1___ints: _theirs, ...othersBefore } = before;
    expect(others).toEqual(othersBefore);
  });

  test("I14 has its chain computed over what it holds already, and a false past is seen", async () => {
    const statements = [CREATE_T, put(1, "a"), put(2, "b")];
    for (const honest of [true, false]) {
      using folder = tempFolder();
      originalLdb(folder.file("ldb.db"), 3, statements);
      const ledger = new MemoryLedger({ takeoverSequence: 3 });
      ledger.appendUnattested(...statements);
      ledger.append(put(3, "c"));
      if (!honest) ledger.tamper(2, put(1, "never"));
      await using reflector = await reflect(ledger, folder.path, { pollRows: 1 });
      if (honest) {
        expect(await reflector.applies(4n)).toMatchObject({ epoch: ledger.epoch, unattestedThrough: 3n });
        expect(rowsOf(folder.path)).toEqual(["1=a", "2=b", "3=c"]);
      } else {
        await reflector.reaches("diverged", "ledger_hash_mismatch");
        expect(rowsOf(folder.path)).toEqual(["1=a", "2=b"]);
      }
    }
  });

  test("trusts the hash that the ledger states when the ledger's beginning is gone", async () => {
    using folder = tempFolder();
    const statements = [CREATE_T, put(1, "a"), put(2, "b")];
    originalLdb(folder.file("ldb.db"), 3, statements);
    const ledger = new MemoryLedger();
    ledger.append(...statements, put(3, "c"));
    ledger.prunedBelow = toSequence(3);
    await using reflector = await reflect(ledger, folder.path);
    expect(await reflector.applies(4n)).toMatchObject({ unattestedThrough: 3n });
  });

  test("R5 takes on the ledger's epoch as soon as its hash is seen to fit, with nothing new to apply", async () => {
    using folder = tempFolder();
    const statements = [CREATE_T, put(1, "a"), put(2, "b")];
    originalLdb(folder.file("ldb.db"), 3, statements);
    const ledger = new MemoryLedger();
    ledger.append(...statements);
    await using reflector = await reflect(ledger, folder.path);
    expect(await reflector.reaches("current")).toMatchObject({ epoch: ledger.epoch, sequence: 3n });
    expect(query(folder.path, "SELECT epoch, hash_sequence FROM _ldb_meta")).toEqual([
      { epoch: ledger.epoch, hash_sequence: 3 },
    ]);
  });

  test("is refused when the ledger states none", async () => {
    using folder = tempFolder();
    originalLdb(folder.file("ldb.db"), 3, [CREATE_T]);
    const ledger = new MemoryLedger({ takeoverSequence: 1 });
    ledger.append(CREATE_T);
    ledger.appendUnattested(put(1, "a"), put(2, "b"));
    ledger.prunedBelow = toSequence(3);
    await using reflector = await reflect(ledger, folder.path);
    await reflector.reaches("diverged", "ledger_too_old");
  });

  test("is refused when its sequence is in no way in the ledger", async () => {
    using folder = tempFolder();
    originalLdb(folder.file("ldb.db"), 3, [CREATE_T]);
    const ledger = new MemoryLedger({ takeoverSequence: 9 });
    ledger.appendAt(1n, CREATE_T, false);
    ledger.appendAt(9n, put(1, "a"), false);
    await using reflector = await reflect(ledger, folder.path);
    await reflector.reaches("diverged", "ledger_hash_mismatch");
  });

  test("goes back to ours when the original's Reflector moved it meanwhile", async () => {
    using folder = tempFolder();
    mkdirSync(folder.file("ldb"));
    originalLdb(folder.file("ldb", "ldb.db"), 1, [CREATE_T]);
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T, put(1, "a"));
    {
      await using reflector = await reflect(ledger, folder.file("ldb"));
      await reflector.applies(2n);
    }
    ledger.append(put(2, "b"));
    const original = new Database(folder.file("ldb", "ldb.db"));
    original.run(put(2, "b"));
    original.run("UPDATE _ldb_seq SET seq = 3");
    original.close();
    ledger.append(put(3, "c"));
    await using reflector = await reflect(ledger, folder.file("ldb"));
    const status = await reflector.applies(4n);
    expect(rowsOf(folder.file("ldb"))).toEqual(["1=a", "2=b", "3=c"]);
    expect(status).toMatchObject({ unattestedThrough: 3n, schemaVersion: 3 });
  });
});

describe("a running Reflector", () => {
  test("I5 ends without setting the sequence back when somebody else moves it during the adoption", async () => {
    using folder = tempFolder();
    originalLdb(folder.file("ldb.db"), 1, [CREATE_T]);
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T, put(1, "a"));
    let moved = false;
    const source = {
      describe: () => ledger.describe(),
      poll: (after: Sequence, limit: number) => {
        if (moved) return ledger.poll(after, limit);
        moved = true;
        using original = new Database(folder.file("ldb.db"));
        original.run(put(1, "a"));
        original.run("UPDATE _ldb_seq SET seq = 2");
        return ledger.poll(after, limit);
      },
      [Symbol.asyncDispose]: async () => {},
    };
    await using reflector = await reflect(source, folder.path);
    const ended = reflector.done.catch((error) => error);
    expect(await Promise.race([ended, reflector.reaches("current")])).toMatchObject({ code: "ldb_locked" });
    expect(query(folder.path, "SELECT seq FROM _ldb_seq")).toEqual([{ seq: 2 }]);
  });

  test("I5 ends when somebody else moves the sequence of its LDB", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T, put(1, "a"));
    await using reflector = await reflect(ledger, folder.path);
    await reflector.reaches("current");
    const stranger = new Database(folder.file("ldb.db"));
    stranger.run("UPDATE _ldb_seq SET seq = 3");
    stranger.close();
    ledger.append(put(2, "b"));
    await expect(reflector.done).rejects.toMatchObject({ code: "ldb_locked" });
  });

  test("R17 ends when its LDB is deleted under it, and the next start makes a new one", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T, put(1, "a"));
    await using reflector = await reflect(ledger, folder.path);
    const status = await reflector.reaches("current");
    rmSync(status.ldb.path);
    await expect(reflector.done).rejects.toMatchObject({ code: "ldb_not_found" });
    await using again = await reflect(ledger, folder.path);
    expect((await again.reaches("current")).ldb.generation).not.toBe(status.ldb.generation);
    expect(rowsOf(folder.path)).toEqual(["1=a"]);
  });
});
