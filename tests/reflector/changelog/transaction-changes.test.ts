/** D17: what a ledger transaction comes to, in particular one with more keys than are kept in mind. */
import { expect, test } from "bun:test";
import { tableLines } from "../../../core/changelog/encode.ts";
import type { ChangedTable } from "../../../reflector/changelog/changed-tables.ts";
import { type Change, TransactionChanges } from "../../../reflector/changelog/transaction-changes.ts";

function table(name: string): ChangedTable {
  return { lines: tableLines("fam", name, []), name: name === "" ? "" : `fam___${name}`, key: [] };
}

const A = table("a");
const B = table("b");
const UNKNOWN = table("");

function brief(changes: readonly Change[]): string[] {
  return changes.map(
    ({ seq, kind, table: { name }, key }) => `${seq} ${kind} ${name}${key === null ? "" : ` ${key}`}`,
  );
}

test("I13 a table that is told whole has the sequence of its last statement, in the order of all", () => {
  const changes = new TransactionChanges(2);
  changes.addRow(1n, B, "upsert", 1);
  changes.addRow(2n, A, "upsert", 1);
  changes.addRow(3n, A, "upsert", 2); // one too many
  changes.addRow(4n, B, "delete", 1);
  changes.addRow(5n, A, "delete", 3);
  changes.addTable(6n, A, "schema");
  changes.addRow(7n, A, "upsert", 4);
  changes.addRow(8n, B, "upsert", 2);
  expect(brief(changes.take())).toEqual([
    "4 delete fam___b 1",
    "6 schema fam___a",
    "7 reload fam___a",
    "8 upsert fam___b 2",
  ]);
  expect(changes.take()).toEqual([]);
});

test("rows are told one by one again when a table that was told whole was cleared or dropped", () => {
  for (const kind of ["clear", "drop"] as const) {
    const changes = new TransactionChanges(100);
    changes.addTable(1n, A, "reload");
    changes.addRow(2n, A, "upsert", 1);
    changes.addTable(3n, A, kind);
    changes.addRow(4n, A, "upsert", 1);
    expect(brief(changes.take())).toEqual([`3 ${kind} fam___a`, "4 upsert fam___a 1"]);
  }
});

test("a change of which no table is known leaves what is told of the tables", () => {
  const changes = new TransactionChanges(100);
  changes.addRow(1n, A, "upsert", 1);
  changes.addTable(2n, UNKNOWN, "reload");
  changes.addRow(3n, A, "upsert", 2);
  changes.addTable(4n, UNKNOWN, "reload");
  expect(brief(changes.take())).toEqual(["1 upsert fam___a 1", "3 upsert fam___a 2", "4 reload "]);
});

test("nothing of a transaction that was undone is in the next one", () => {
  const changes = new TransactionChanges(100);
  changes.addTable(1n, A, "reload");
  changes.addRow(2n, B, "upsert", 1);
  changes.clear();
  changes.addRow(3n, A, "upsert", 1);
  expect(brief(changes.take())).toEqual(["3 upsert fam___a 1"]);
});
