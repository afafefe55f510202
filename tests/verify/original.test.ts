/** The ctldb and the LDB that the original has made: the comparison finds its known defects, and nothing else. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { parseFamilyName } from "../../core/names.ts";
import type { Cell } from "../../core/sql/stored-rows.ts";
import { openLedgerSource } from "../../ctldb/open.ts";
import type { RowDifference, VerifyReport } from "../../verify/report.ts";
import { DEPS, open, request, SECRET, upsert, WRITER } from "../ctldb/fixture.ts";
import { loadOriginal } from "../interchange/load-original.ts";
import { reflect } from "../reflector/harness.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { reportOf, unequal, verify } from "./world.ts";

setDefaultTimeout(30_000);

const ORIGINAL_LDB = new URL("../interchange/fixtures/original-ldb.db.gz", import.meta.url).pathname;
const KNOWN = { "fam1/alltypes": "different", "fam1/onlykey": "different" };

/** A value with its storage class, and only the length of a long one. */
function cellText(cell: Cell | undefined): string {
  if (typeof cell === "string") return cell.length > 40 ? `text of ${cell.length}` : JSON.stringify(cell);
  if (cell instanceof Uint8Array) return cell.length > 40 ? `blob of ${cell.length}` : `x${cell.toHex()}`;
  return typeof cell === "number" ? `real ${cell}` : String(cell);
}

/** `field: in the LDB | in the ctldb` of a row that has the same key in both. */
function valuesText({ fields, ldb, ctldb }: RowDifference): string[] {
  return fields.map((field) => `${field}: ${cellText(ldb?.get(field))} | ${cellText(ctldb?.get(field))}`);
}

function expectKnownDifferences(report: VerifyReport): void {
  expect(unequal(report)).toEqual(KNOWN);
  const values = reportOf(report, "alltypes").differences?.shown ?? [];
  expect(values.every(({ kind }) => kind === "different")).toBe(true);
  expect(values.flatMap(valuesText).sort()).toEqual(
    [
      // D2 each database makes something else of what does not fit
      'i: "abc" | 0',
      'i: "" | 0',
      "i: real 1.5 | 2",
      "i: real 2.9 | 3",
      "i: real 100000000000000000000 | 9223372036854775807",
      "i: real 9223372036854776000 | 9223372036854775807",
      "i: real 9223372036854776000 | 9223372036854775807",
      "i: real -9223372036854776000 | -9223372036854775808",
      'd: "abc" | real 0',
      "d: real 1e+300 | real 1e+65",
      "d: real 5e-324 | real 0",
      't: "1.0e+21" | "1000000000000000000000"',
      "s: text of 192 | text of 191",
      "s: text of 10000 | text of 191",
      "bs: blob of 256 | blob of 255",
      // D5 text that holds NUL is bytes in the LDB
      's: x610062 | "a\\u0000b"',
      't: x00 | "\\u0000"',
    ].sort(),
  );
  const keys = reportOf(report, "onlykey").differences?.shown ?? [];
  expect(keys.map(({ kind, key }) => `${kind} ${cellText(key.get("id"))}`).sort()).toEqual(
    [
      // D3 keys that are one in MySQL: Case and case, é1 and e1, "sp" and "sp "
      'extra "Case"',
      'extra "e1"',
      'extra "sp"',
      // D2 a key that MySQL has cut
      "extra text of 192",
      "missing text of 191",
      // D5
      "extra x6e006c",
      'missing "n\\u0000l"',
    ].sort(),
  );
}

test("D2 D3 D5 D9 an LDB of the original shows its known differences when it is compared with its ctldb", async () => {
  using folder = tempFolder();
  writeFileSync(folder.file("ldb.db"), gunzipSync(readFileSync(ORIGINAL_LDB)));
  const url = await loadOriginal();
  const report = await verify(url, folder.path, { shownDifferences: 100 });
  expect(report).toMatchObject({ epoch: null, passes: 1 });
  expect(report.warnings).toEqual([expect.stringContaining("does not say which ctldb")]);
  expectKnownDifferences(report);
});

test("D2 D3 D5 D9 an LDB of the original shows the same, and no more, when ours has taken over both", async () => {
  using folder = tempFolder();
  writeFileSync(folder.file("ldb.db"), gunzipSync(readFileSync(ORIGINAL_LDB)));
  const url = await loadOriginal();
  await using ctldb = await open(url);
  await ctldb.writers.register(WRITER, SECRET);
  const row = upsert("ints", { id: 4711, v: "ours" });
  const { sequence } = await ctldb.write(request([row], { family: parseFamilyName("fam1") }));
  await using source = openLedgerSource(url, DEPS);
  await using reflector = await reflect(source, folder.path);
  await reflector.applies(sequence);
  const report = await verify(url, folder.path, { shownDifferences: 100 });
  expect(report).toMatchObject({ epoch: (await ctldb.status()).epoch, warnings: [] });
  expectKnownDifferences(report);
});
