/** The command that a refused statement's hint tells the operator to type. */
import { expect, test } from "bun:test";
import { existsSync, rmSync } from "node:fs";
import { ALL_COMMANDS, GROUPS } from "../../cli/all-commands.ts";
import { runCommandLine } from "../../cli/run.ts";
import { CtlstoreError } from "../../core/errors.ts";
import { ZERO_HASH } from "../../core/ledger/chain.ts";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { toSequence } from "../../core/sequence.ts";
import { openLdbFolder } from "../../ldb/ldb-folder.ts";
import { readSkips } from "../../ldb/position.ts";
import { EntryApplier } from "../../reflector/entry-applier.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { fakeContext } from "./fake-context.ts";

const deps = { clock: systemClock, logger: silentLogger, onPoint: () => {} };

function hintOf(apply: () => unknown): string {
  try {
    apply();
  } catch (error) {
    if (error instanceof CtlstoreError) return error.details.hint ?? "";
  }
  throw new Error("the statement was not refused");
}

test("D10 ldb skip exits 0 and is recorded when it is typed as the hint of a refused statement says", async () => {
  using folder = tempFolder();
  const { database } = openLdbFolder(folder.path, deps);
  const entry = {
    sequence: toSequence(1n),
    timestampUs: 1,
    statement: "DELETE FROM nowhere",
    hash: ZERO_HASH,
  };
  const hint = hintOf(() => new EntryApplier(database, folder.path, null).apply(entry));
  database.close();

  const [, typed = ""] = /"ctlstore (.+)"/.exec(hint) ?? [];
  const context = fakeContext();
  const code = await runCommandLine(typed.split(" "), context, { commands: ALL_COMMANDS, groups: GROUPS });
  expect({ code, notes: context.noteLines }).toEqual({ code: 0, notes: [] });
  using again = openLdbFolder(folder.path, deps).database;
  expect(readSkips(again)).toMatchObject([{ sequence: 1n, statement: null, reason: "none given" }]);
});

test("ldb skip refuses and makes nothing when the database that ldb.db points to was deleted", async () => {
  using folder = tempFolder();
  const { database, path } = openLdbFolder(folder.path, deps);
  database.close();
  rmSync(path);
  const context = fakeContext();
  const typed = ["ldb", "skip", "1", "--ldb", folder.path];
  expect(await runCommandLine(typed, context, { commands: ALL_COMMANDS, groups: GROUPS })).not.toBe(0);
  expect(context.noteLines.join("\n")).toContain("Cannot find an LDB");
  expect(existsSync(folder.file("ldb.db"))).toBe(false);
});
