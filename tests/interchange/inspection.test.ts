/** The history of keys in a ledger that the original has written: its newest change is the row that every LDB has. */
import { Database } from "bun:sqlite";
import { expect, setDefaultTimeout, test } from "bun:test";
import { ldbTableName } from "../../core/names.ts";
import type { SqlValue } from "../../core/values.ts";
import type { RowImage } from "../../ctldb/inspection/contract.ts";
import { open } from "../ctldb/fixture.ts";
import { readWholeLedger } from "../support/replay-ledger.ts";
import { loadOriginal } from "./load-original.ts";

setDefaultTimeout(60_000);

const TABLES = ["fam1___alltypes", "fam1___ints", "fam1___mixedkey", "fam1___onlykey", "fam1___swapped"];

/** Where the original has let in what is not the field's type, an LDB has other bytes than the ledger means. */
const KNOWN = new Map([
  ["v-dddd182d", "text with NUL, which the original writes as bytes (D5)"],
  ["v-85c05f5d", "a number in a text, which SQLite prints in its own way (D2)"],
]);

function shown(row: RowImage | Record<string, SqlValue> | null | undefined): unknown {
  const cells = Object.entries(row ?? {}).map(([name, value]) => [
    name,
    value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value,
  ]);
  return Object.fromEntries(cells);
}

test("the newest change of each key of the original's ledger is the row that an LDB has, and nobody is named", async () => {
  const url = await loadOriginal(TABLES);
  await using ctldb = await open(url);
  const { entries } = await readWholeLedger(url);
  using ldb = new Database(":memory:", { safeIntegers: true });
  for (const { statement } of entries) if (!statement.startsWith("---")) ldb.run(statement);
  let compared = 0;
  for (const schema of (await ctldb.catalog()).tables()) {
    const { family, table, keyFields } = schema;
    const name = ldbTableName(family, table);
    if (!TABLES.includes(name)) continue;
    for (const row of ldb.query<Record<string, SqlValue>, []>(`SELECT * FROM ${name}`).all()) {
      const key = keyFields.map((field) => row[field] ?? null);
      const types = keyFields.map((field) => schema.fields.find((each) => each.name === field)?.type);
      // No key of ours: longer than a key may be, or bytes for a text.
      if (key.some((value, i) => types[i] === "string" && (typeof value !== "string" || value.length > 191)))
        continue;
      const page = await ctldb.inspection.history({ family, table, key, before: null, limit: 2 });
      const newest = page.changes[0];
      expect([newest?.kind, newest?.writer, page.unreadable]).toEqual(["upsert", null, []]);
      if (!KNOWN.has(String(key[0]))) expect(shown(newest?.new)).toEqual(shown(row) as never);
      compared += 1;
    }
  }
  expect(compared).toBeGreaterThan(60);
});
