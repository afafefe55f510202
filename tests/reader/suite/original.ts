/** The LDB that the original ctlstore made is read whole. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { KeyValue } from "../../../reader/types.ts";
import type { SuiteEnvironment } from "./environment.ts";
import { SampleFolder } from "./sample-ldb.ts";

/** Rows of its tables that have any; the others are empty. */
const ROW_COUNTS: Readonly<Record<string, number>> = {
  "fam1/alltypes": 57,
  "fam1/ints": 29,
  "fam1/bykey": 2,
  "fam1/multi": 3,
  "fam1/swapped": 3,
  "fam1/onlykey": 111,
  "fam1/upper": 1,
  "fam1/mixedkey": 1,
  "fam1/reserved": 1,
  "fam1/res_val": 1,
  "fam2/tbl1": 1,
  "fam2/tbl2": 2,
  "fam10/other": 1,
  "fam2/tbl_": 1,
  "fam1/grow": 2,
  "fam3/one": 1,
  "fam3/two": 1,
  "fam3/three": 1,
  "dr1/aaa": 1,
  "dr1/zzz": 1,
  "dr12/mmm": 1,
  "droppy/aaa": 1,
};

export function defineOriginalTests(environment: SuiteEnvironment): void {
  const { test } = environment;

  function originalFolder(): SampleFolder {
    const folder = new SampleFolder(environment);
    writeFileSync(folder.ldbPath, gunzipSync(readFileSync(environment.originalLdbGzPath)));
    return folder;
  }

  test("D15 interchange: every table of the original's LDB is read, and every row found by its own key", () => {
    using folder = originalFolder();
    const reader = folder.reader({ integers: "bigint" });
    assert.equal(reader.getLastSequence(), 352n);
    const counts: Record<string, number> = {};
    for (const { family, table } of reader.tables()) {
      const { keyFields } = reader.tableSchema(family, table);
      const rows = [...reader.getRowsByKeyPrefix(family, table)];
      if (rows.length > 0) counts[`${family}/${table}`] = rows.length;
      for (const row of rows) {
        const key = keyFields.map((name) => row[name]);
        // Text with NUL was stored as bytes; it is asked for as text.
        const asked = key.map((part, i) =>
          asKeyPart(reader.tableSchema(family, table).fields, keyFields[i], part),
        );
        assert.deepEqual(reader.getRowByKey(family, table, ...asked), row);
      }
    }
    assert.deepEqual(counts, ROW_COUNTS);
    assert.equal(reader.tables().length, 36);
  });

  test("D15 interchange: rows whose key fields are SQL keywords are read when the original wrote them", () => {
    using folder = originalFolder();
    const reader = folder.reader();
    const row = { order: "o", group: 1, select: "s" };
    assert.deepEqual(reader.getRowByKey("fam1", "reserved", "o", 1), row);
    assert.deepEqual([...reader.getRowsByKeyPrefix("fam1", "reserved", "o")], [row]);
    const values = { id: "1", values: "v", key: "k", from: "f", default: "d" };
    assert.deepEqual(reader.getRowByKey("fam1", "res_val", "1"), values);
    assert.ok(reader.getLedgerLatency() >= 0);
  });
}

function asKeyPart(
  fields: readonly { name: string; type: string | null }[],
  name: string | undefined,
  part: unknown,
): KeyValue {
  const isString = fields.find((field) => field.name === name)?.type === "string";
  return (isString && part instanceof Uint8Array ? new TextDecoder().decode(part) : part) as KeyValue;
}
