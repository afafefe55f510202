/** The cache of docs/changelog.md, taken from there as it stands, is right while a real Reflector applies random changes. */
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isCtlstoreError } from "../../../core/errors.ts";
import { ledgerLiteral } from "../../../core/sql/literals.ts";
import { openReader } from "../../../reader/index.ts";
import type { Row } from "../../../reader/types.ts";
import { reflect } from "../../reflector/harness.ts";
import { boundaryAfter, changesLedger } from "../../simulation/changelog-ledger.ts";
import { seededRandom, suiteSeed } from "../../support/suite.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { until } from "../../support/until.ts";

const ROOT = join(import.meta.dir, "..", "..", "..");
const STATEMENTS = 600;
const IDS = ["", "a", "it's", '"q"', "back\\slash", "nul\u0000in", "é🙂", " pad ", "\n", "{}", "k10", "k11"];

interface Documented {
  readonly ItemCache: new (
    path: string,
    make: (row: Row) => string,
  ) => { get(id: string): string | null; readonly done: Promise<void>; close(): void };
}

async function documented(folder: string): Promise<Documented> {
  const text = readFileSync(join(ROOT, "docs", "changelog.md"), "utf8");
  const code = /^```ts\n([\s\S]*?)^```$/m.exec(text)?.[1] ?? "";
  const path = join(folder, "documented-cache.ts");
  const here = code
    .replace('"ctlstore-reader"', JSON.stringify(join(ROOT, "reader", "index.ts")))
    .replace("openReader({ path })", 'openReader({ path, integers: "bigint" })'); // the random rows have large ones
  expect(here).toContain("bigint");
  writeFileSync(path, here);
  return (await import(path)) as Documented; // what it exports is what this test is about
}

test("documented cache has every row as the LDB has it when the Reflector was restarted in the middle", async () => {
  using folder = tempFolder("documented-cache");
  const seed = suiteSeed();
  const random = seededRandom(seed);
  const { ledger } = changesLedger(seed, STATEMENTS);
  const quick = { changelog: { fileBytes: 4_096, files: 100 }, pollRows: 5, transactionStatements: 3 };
  const half = ledger.restoredAt(boundaryAfter(ledger, STATEMENTS / 2));
  const { ItemCache } = await documented(folder.path);

  await using first = await reflect(half, folder.file("ldb"), quick);
  await first.applies(10n);
  const cache = new ItemCache(folder.file("ldb"), (row) => String(row["name"]));
  const look = () => {
    try {
      cache.get(IDS[Math.floor(random() * IDS.length)] ?? "");
    } catch (error) {
      // The ledger drops the table now and then, and makes it again.
      if (!isCtlstoreError(error) || error.code !== "unknown_table") throw error;
    }
  };
  const looking = setInterval(look, 1);
  const ended = cache.done.catch((error) => error.code);
  try {
    await first.applies(half.head);
    await first.stop();
    await using second = await reflect(ledger, folder.file("ldb"), quick);
    await second.applies(ledger.head);
    using reader = openReader({ path: folder.file("ldb"), integers: "bigint" });
    const isRight = (id: string) => {
      const row = reader.getRowByKey("shop", "items", id);
      return cache.get(id) === (row === null ? null : String(row["name"]));
    };
    const what = `the cache to be the LDB (seed ${seed})`;
    await until(() => IDS.every(isRight), { what });
    // Now it has all rows, and each changes once more.
    for (const [i, id] of IDS.entries()) {
      const literal = ledgerLiteral(id);
      if (i % 2 === 0) ledger.append(`REPLACE INTO shop___items ("id","name") VALUES(${literal},'new')`);
      else ledger.append(`DELETE FROM shop___items WHERE "id" = ${literal}`);
    }
    await second.applies(ledger.head);
    await until(() => IDS.every(isRight), { what });
    expect(IDS.map((id) => cache.get(id))).toEqual(IDS.map((_, i) => (i % 2 === 0 ? "new" : null)));
  } finally {
    clearInterval(looking);
    cache.close();
  }
  expect(await ended).toBe("reader_closed");
});
