/**
 * Reads the churn table until a sequence is reached, and ends with an error at the first answer that is wrong or fails:
 * `churn-reader.ts LDB SEQUENCE`. Prints how many answers it checked.
 */
import assert from "node:assert/strict";
import { openReader } from "../../../reader/index.ts";
import type { LdbReads, Row } from "../../../reader/types.ts";
import { CHURN_ROWS, churnKeyName } from "./churn.ts";

const [path = "", last = "0"] = process.argv.slice(2);
const reader = openReader({ path });
const keys = Array.from({ length: CHURN_ROWS }, (_, i) => churnKeyName(i));
let answers = 0;

/** The row that was asked for, by whichever field was the key then. */
function checkRow(row: Row | null | undefined, key: string): number {
  assert.ok(row, `no row for ${key}`);
  const which = row["which"];
  assert.ok(which === "a" || which === "b");
  assert.equal(row[which], key);
  answers += 1;
  return Number(row["v"]);
}

function oneValue(values: number[]): number {
  assert.equal(values.length, CHURN_ROWS);
  assert.equal(new Set(values).size, 1, `part of a batch: ${values.join(" ")}`);
  return values[0] as number;
}

function checkSets(reads: LdbReads): number {
  const byKeys = oneValue(
    reads.getRows("fam", "churn", keys).map((row, i) => checkRow(row, churnKeyName(i))),
  );
  const inOrder = [...reads.getRowsByKeyPrefix("fam", "churn")].map((row) => Number(row["v"]));
  assert.ok(oneValue(inOrder) >= byKeys);
  return byKeys;
}

let sequence = 0;
for (let i = 0; sequence < Number(last); i++) {
  const value = checkRow(
    reader.getRowByKey("fam", "churn", churnKeyName(i % CHURN_ROWS)),
    churnKeyName(i % CHURN_ROWS),
  );
  assert.ok(value >= sequence, `went back from ${sequence} to ${value}`);
  sequence = value;
  checkSets(reader);
  reader.snapshot((reads) => {
    assert.equal(checkSets(reads), Number(reads.getLastSequence()));
    assert.equal(
      oneValue([...reads.getRowsByKeyPrefix("fam", "churn")].map((row) => Number(row["v"]))),
      checkSets(reads),
    );
  });
}
reader.close();
console.log(JSON.stringify({ answers }));
