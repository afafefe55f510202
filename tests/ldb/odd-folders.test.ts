/** What may be odd in an LDB's folder without being in the way of the LDB itself. */
import { expect, test } from "bun:test";
import { renameSync, writeFileSync } from "node:fs";
import { openLdbFolder } from "../../ldb/ldb-folder.ts";
import { WalReaders } from "../../ldb/wal-readers.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { DEPS, fillDatabase, flipTo, valueIn } from "./generation-world.ts";

test("an LDB is opened when old generations cannot be looked at", () => {
  using folder = tempFolder();
  fillDatabase(folder.file("ldb.db"), 1, "plain");
  writeFileSync(folder.file("generations"), "no folder");
  using _database = openLdbFolder(folder.path, DEPS).database;
  expect(valueIn(folder.file("ldb.db"))).toBe("plain");
});

test("R46 R14 what is only looked at for the status fails nothing when it cannot be looked at", () => {
  using folder = tempFolder();
  const { id } = flipTo(folder.path, 1);
  using database = openLdbFolder(folder.path, DEPS).database;
  renameSync(folder.file("generations", id), folder.file("moved"));
  writeFileSync(folder.file("generations", id), "no folder");
  expect(database.walBytes()).toBe(0);
  const readers = new WalReaders(database.path);
  readers.wasHeld(1);
  expect(() => readers.wasHeld(2)).not.toThrow();
});
