/** A generation takes the place of a plain `ldb.db`, the original's layout (R17). */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { systemClock } from "../../core/process/clock.ts";
import { currentLdb } from "../../ldb/generations.ts";
import { SUPERSEDED } from "../../ldb/layout.ts";
import { openLdbFolder } from "../../ldb/ldb-folder.ts";
import { OldGenerations } from "../../ldb/old-generations.ts";
import { readPosition } from "../../ldb/position.ts";
import { setAsideGeneration } from "../../ldb/set-aside.ts";
import { WritableDatabase } from "../../ldb/writable-database.ts";
import { openReader } from "../../reader/index.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";
import { DEPS, fillDatabase, flipTo, generationsIn, valueIn } from "./generation-world.ts";

function dieHere(): never {
  throw new Error("killed here");
}

function sideFilesOf(folder: TempFolder): string[] {
  return readdirSync(folder.path).filter((name) => /^ldb\.db-/.test(name));
}

describe("a plain ldb.db", () => {
  test("R17 is replaced by a generation while its readers read on, rows of its log included", () => {
    using folder = tempFolder();
    fillDatabase(folder.file("ldb.db"), 1, "1");
    // As a Reflector holds it, with a row that is in the log alone.
    using writer = WritableDatabase.open(folder.file("ldb.db"));
    const before = new Database(folder.file("ldb.db"), { readonly: true });
    const query = before.query<{ v: string }, []>("SELECT v FROM fam___tbl");
    before.run("BEGIN");
    expect(query.get()).toEqual({ v: "1" });
    writer.run("UPDATE fam___tbl SET v = 'in the log'");
    const { id, replaced } = flipTo(folder.path, 2);
    expect(replaced).toBe(`plain-before-${id}`);
    expect(query.get()).toEqual({ v: "1" });
    before.run("COMMIT");
    expect(query.get()).toEqual({ v: "in the log" });
    expect(lstatSync(folder.file("ldb.db")).isSymbolicLink()).toBe(true);
    expect(valueIn(folder.file("ldb.db"))).toBe("2");
    new OldGenerations(folder.path, DEPS).sweep();
    expect(before.query("SELECT schema_version AS v FROM _ldb_meta").get()).toEqual({ v: SUPERSEDED });
    expect(sideFilesOf(folder)).toEqual([]);
    expect(query.get()).toEqual({ v: "in the log" });
    before.close();
    writer.close();
    new OldGenerations(folder.path, DEPS).sweep();
    expect(generationsIn(folder.path)).toEqual([id]);
    expect(valueIn(folder.file("ldb.db"))).toBe("2");
  });

  test("R17 hands its readers on to the generation with no failed read", () => {
    using folder = tempFolder();
    fillDatabase(folder.file("ldb.db"), 1, "1");
    using reader = openReader({ path: folder.path, fileCheckIntervalMs: 3_600_000 });
    expect(reader.getRowByKey("fam", "tbl", 1)?.["v"]).toBe("1");
    const { id } = flipTo(folder.path, 2);
    const old = new OldGenerations(folder.path, DEPS);
    old.sweep();
    expect(reader.getRowByKey("fam", "tbl", 1)?.["v"]).toBe("2");
    old.sweep();
    expect(generationsIn(folder.path)).toEqual([id]);
  });

  test("R17 stays the LDB with its log when the process dies before the flip", () => {
    using folder = tempFolder();
    fillDatabase(folder.file("ldb.db"), 1, "1");
    const reader = new Database(folder.file("ldb.db"), { readonly: true });
    reader.run("BEGIN");
    reader.query("SELECT v FROM fam___tbl").get();
    const writer = WritableDatabase.open(folder.file("ldb.db"));
    writer.run("UPDATE fam___tbl SET v = 'in the log'");
    expect(() => flipTo(folder.path, 2, dieHere)).toThrow("killed here");
    expect(generationsIn(folder.path)).toHaveLength(2);
    writer.close();
    const ldb = openLdbFolder(folder.path, DEPS);
    expect(ldb.generation).toBeNull();
    expect(generationsIn(folder.path)).toEqual([]);
    // Not marked as replaced, which it would be had its second name been taken for an old generation.
    expect<bigint>(readPosition(ldb.database).sequence).toBe(1n);
    expect(ldb.database.get("SELECT v FROM fam___tbl")).toEqual({ v: "in the log" });
    reader.run("COMMIT");
    expect(reader.query("SELECT v FROM fam___tbl").get()).toEqual({ v: "in the log" });
    reader.close();
    ldb.database.close();
    expect(valueIn(folder.file("ldb.db"))).toBe("in the log");
  });

  test("R17 stays the LDB when the process dies after the first of its names was linked", () => {
    using folder = tempFolder();
    fillDatabase(folder.file("ldb.db"), 1, "1");
    mkdirSync(folder.file("generations", "plain-before-x"), { recursive: true });
    linkSync(folder.file("ldb.db"), folder.file("generations", "plain-before-x", "ldb.db"));
    const ldb = openLdbFolder(folder.path, DEPS);
    expect<bigint>(readPosition(ldb.database).sequence).toBe(1n);
    expect(generationsIn(folder.path)).toEqual([]);
    ldb.database.close();
  });

  test("R17 gives way to the generation when the process dies right after the flip", () => {
    using folder = tempFolder();
    fillDatabase(folder.file("ldb.db"), 1, "1");
    const { id } = flipTo(folder.path, 2);
    expect(sideFilesOf(folder)).not.toEqual([]);
    const ldb = openLdbFolder(folder.path, DEPS);
    expect(ldb.generation).toBe(id);
    expect(ldb.database.get("SELECT v FROM fam___tbl")).toEqual({ v: "2" });
    ldb.database.close();
    expect(sideFilesOf(folder)).toEqual([]);
    expect(generationsIn(folder.path)).toEqual([id]);
    expect(readdirSync(folder.path).filter((name) => name.startsWith("set-aside"))).toEqual([]);
  });

  test("R18 is replaced when it is damaged and cannot be opened", () => {
    using folder = tempFolder();
    writeFileSync(folder.file("ldb.db"), "no database".repeat(1_000));
    const { replaced } = flipTo(folder.path, 2);
    expect(valueIn(folder.file("ldb.db"))).toBe("2");
    const aside = setAsideGeneration(folder.path, replaced ?? "", systemClock.nowUs());
    expect(readFileSync(`${aside}/ldb.db`, "utf8")).toStartWith("no database");
  });

  test("is replaced and left in its place when ldb.db is an operator's link to it", () => {
    using folder = tempFolder();
    mkdirSync(folder.file("elsewhere"));
    fillDatabase(folder.file("elsewhere", "data.db"), 1, "1");
    symlinkSync(folder.file("elsewhere", "data.db"), folder.file("ldb.db"));
    const { id, replaced } = flipTo(folder.path, 2);
    expect(replaced).toBeNull();
    expect(currentLdb(folder.path)).toMatchObject({ kind: "generation", generation: { id } });
    expect(valueIn(folder.file("elsewhere", "data.db"))).toBe("1");
  });
});
