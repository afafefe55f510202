/**
 * Components one version older or newer than the other (R40).
 *
 * The fixtures named before-snapshots-* were made by the code of commit 01533ab, before there were snapshots, kept
 * generations or their marks: a SQLite ctldb with one entry more than the LDB has, that LDB, and the reader library as
 * it was bundled for Bun.
 */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { toSequence } from "../../core/sequence.ts";
import { openLedgerSource } from "../../ctldb/open.ts";
import { LDB_FORMAT_VERSION } from "../../ldb/layout.ts";
import { LdbView } from "../../ldb/ldb-view.ts";
import { OldGenerations } from "../../ldb/old-generations.ts";
import { openReader } from "../../reader/index.ts";
import type { LdbReader, ReaderOptions } from "../../reader/types.ts";
import { DEPS, fillDatabase, flipTo } from "../ldb/generation-world.ts";
import { reflect } from "../reflector/harness.ts";
import { MemoryLedger } from "../reflector/memory-ledger.ts";
import { runProcess } from "../support/process.ts";
import { ctlstore } from "../support/services.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

const LDB_SEQUENCE = 122n;
const HEAD_SEQUENCE = 123n;
const BEYOND_2_53 = 9007199254740993n;

function fixture(name: string): Uint8Array {
  return gunzipSync(readFileSync(join(import.meta.dir, "fixtures", `before-snapshots-${name}.gz`)));
}

/** The older LDB as a generation, and the older ctldb beside it. */
function olderWorld() {
  const folder = tempFolder("versions");
  const generation = folder.file("ldb", "generations", "20261122T150000000Z-0a0b0c0d");
  mkdirSync(generation, { recursive: true });
  writeFileSync(join(generation, "ldb.db"), fixture("ldb.db"));
  symlinkSync("generations/20261122T150000000Z-0a0b0c0d/ldb.db", folder.file("ldb", "ldb.db"));
  writeFileSync(folder.file("ctldb.db"), fixture("ctldb.db"));
  return { folder, ldb: folder.file("ldb"), ctldb: `sqlite:${folder.file("ctldb.db")}` };
}

/** The older reader library, as an application bundled it. */
async function olderReader(folder: TempFolder): Promise<(options: ReaderOptions) => LdbReader> {
  const path = folder.file("older-reader.mjs");
  writeFileSync(path, fixture("reader.js"));
  const module = (await import(path)) as { openReader: (options: ReaderOptions) => LdbReader };
  return module.openReader;
}

describe("the older reader", () => {
  test("R40 reads an LDB of today and follows its generations when they are flipped", async () => {
    using folder = tempFolder("versions");
    const openOlder = await olderReader(folder);
    flipTo(folder.path, 1);
    using reader = openOlder({ path: folder.path, fileCheckIntervalMs: 3_600_000 });
    expect(reader.getRowByKey("fam", "tbl", 1)).toEqual({ k: 1, v: "1" });
    const old = new OldGenerations(folder.path, DEPS);
    for (let sequence = 2; sequence < 6; sequence++) {
      flipTo(folder.path, sequence);
      old.sweep();
      expect(old.kept).toBe(1);
      expect(reader.getRowByKey("fam", "tbl", 1)).toEqual({ k: 1, v: String(sequence) });
      expect(reader.getLastSequence()).toBe(BigInt(sequence));
      old.sweep();
      expect(old.kept).toBe(0);
    }
  });

  test("R17 R40 follows when a plain ldb.db is replaced by a generation", async () => {
    using folder = tempFolder("versions");
    const openOlder = await olderReader(folder);
    fillDatabase(folder.file("ldb.db"), 1, "1");
    using reader = openOlder({ path: folder.path });
    expect(reader.getRowByKey("fam", "tbl", 1)?.["v"]).toBe("1");
    flipTo(folder.path, 2);
    new OldGenerations(folder.path, DEPS).sweep();
    expect(reader.getRowByKey("fam", "tbl", 1)?.["v"]).toBe("2");
  });
});

describe("the files of the version before", () => {
  test("R40 are read by the reader when no Reflector has opened them yet", () => {
    const { folder, ldb } = olderWorld();
    using _folder = folder;
    using reader = openReader({ path: ldb, integers: "bigint" });
    expect(reader.getLastSequence()).toBe(LDB_SEQUENCE);
    expect(reader.getRowByKey("story", "rows", 5)).toEqual({ id: 5n, text: "row 5, ünïcode 🦊" });
    expect(reader.getRowByKey("story", "rows", BEYOND_2_53)?.["text"]).toBe("batch 29");
    expect(reader.getRowByKey("story", "rows", 7)).toBeNull();
  });

  test("R40 are gone on with by the Reflector and verified when a reader has them open", async () => {
    const { folder, ldb, ctldb } = olderWorld();
    using _folder = folder;
    using reader = openReader({ path: ldb });
    expect(reader.getRowByKey("story", "rows", 100)).toBeNull();
    const source = openLedgerSource(ctldb, { logger: silentLogger, clock: systemClock });
    const reflector = await reflect(source, ldb);
    const { skips, unattestedThrough } = await reflector.applies(HEAD_SEQUENCE);
    expect({ skips, unattestedThrough }).toEqual({ skips: [], unattestedThrough: 0n } as never);
    expect(reader.getRowByKey("story", "rows", 100)?.["text"]).toBe("written after the Reflector stopped");
    await reflector.stop();
    const verified = await runProcess(ctlstore("ldb", "verify", "--ldb", ldb, "--ctldb", ctldb));
    expect(verified.code, verified.stdout + verified.stderr).toBe(0);
  });
});

/** Files as a later version may write them: more columns and tables of its own, with and without a new format. */
function laterLdb(folder: TempFolder, formatVersion: number): void {
  fillDatabase(folder.file("ldb.db"), 5, "later");
  using database = new Database(folder.file("ldb.db"));
  database.run("ALTER TABLE _ldb_meta ADD COLUMN cohort TEXT DEFAULT 'canary'");
  database.run("ALTER TABLE _ldb_seq ADD COLUMN branch INTEGER NOT NULL DEFAULT 0");
  database.run("CREATE TABLE _ldb_later (id INTEGER PRIMARY KEY, what BLOB)");
  database.run("INSERT INTO _ldb_later VALUES (1, x'00ff')");
  database.run("UPDATE _ldb_meta SET format_version = ?", [formatVersion]);
}

describe("the files of the version after", () => {
  test("R40 are read, gone on with and compared when they only have more columns and tables of their own", async () => {
    using folder = tempFolder("versions");
    laterLdb(folder, LDB_FORMAT_VERSION);
    using reader = openReader({ path: folder.path });
    expect(reader.getRowByKey("fam", "tbl", 1)).toEqual({ k: 1, v: "later" });
    expect(reader.tables()).toEqual([{ family: "fam", table: "tbl" }]);
    const ledger = new MemoryLedger();
    ledger.append(
      ...Array.from({ length: 6 }, (_, i) => `REPLACE INTO fam___tbl ("k","v") VALUES(1,'${i + 1}')`),
    );
    await using reflector = await reflect(ledger, folder.path);
    await reflector.applies(6n);
    expect(reader.getRowByKey("fam", "tbl", 1)).toEqual({ k: 1, v: "6" });
    using view = LdbView.open(folder.path);
    expect(view.sequence).toBe(toSequence(6));
    expect(view.tables.map(({ name }) => name)).toEqual(["fam___tbl"]);
    using database = new Database(folder.file("ldb.db"), { readonly: true });
    expect(database.query("SELECT cohort FROM _ldb_meta").get()).toEqual({ cohort: "canary" });
    expect(database.query("SELECT count(*) AS n FROM _ldb_later").get()).toEqual({ n: 1 });
  });

  test("R40 are refused by reader, Reflector and comparison when their format is a later one", async () => {
    using folder = tempFolder("versions");
    laterLdb(folder, LDB_FORMAT_VERSION + 1);
    const incompatible = expect.objectContaining({ code: "ldb_incompatible" });
    expect(() => openReader({ path: folder.path })).toThrow(incompatible);
    expect(() => LdbView.open(folder.path)).toThrow(incompatible);
    const refused = await reflect(new MemoryLedger(), folder.path).then(
      () => null,
      (error: unknown) => error,
    );
    expect(refused).toEqual(incompatible);
  });

  test("I15 R40 are not gone to by a reader that does not know their format: it reads on from what it has, and warns", () => {
    using folder = tempFolder("versions");
    flipTo(folder.path, 1);
    const warnings: string[] = [];
    using reader = openReader({
      path: folder.path,
      fileCheckIntervalMs: 0,
      onWarning: ({ code }) => warnings.push(code),
    });
    expect(reader.getRowByKey("fam", "tbl", 1)?.["v"]).toBe("1");
    flipTo(folder.path, 2);
    {
      using database = new Database(folder.file("ldb.db"));
      database.run("UPDATE _ldb_meta SET format_version = ?", [LDB_FORMAT_VERSION + 1]);
    }
    new OldGenerations(folder.path, DEPS).sweep();
    expect(reader.getRowByKey("fam", "tbl", 1)?.["v"]).toBe("1");
    expect(warnings).toContain("unreadable_replacement");
  });
});
