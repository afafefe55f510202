/** Compares what the reader library answers with the rows that must be there (I10, D5, D15, D16). */
import { isCtlstoreError } from "../../core/errors.ts";
import type { LdbReader, Row } from "../../reader/index.ts";
import { canonicalRow } from "../support/dump-rows.ts";
import { keyOf, type ModelState, type ModelTable } from "./model.ts";
import type { FamilyIndex } from "./steps.ts";
import type { Cell } from "./value-model.ts";

const ROWS_LOOKED_AT = 6;

/** @throws Error on the first answer that differs */
export function checkReader(
  reader: LdbReader,
  state: ModelState,
  familyName: (family: FamilyIndex) => string,
): void {
  reader.snapshot(() => {
    for (const table of state.values()) checkTable(reader, table, familyName(table.family));
  });
  expectRefusal("unknown_table", () => reader.getRowByKey(familyName(0), "nowhere", "a"));
}

/** An LDB that was never filled is no LDB without rows. */
export function expectEmpty(reader: LdbReader): void {
  expectRefusal("ldb_empty", () => reader.families());
}

function checkTable(reader: LdbReader, table: ModelTable, family: string): void {
  const { table: name, keyFields } = table;
  const place = `${family}/${name}`;
  const schema = reader.tableSchema(family, name);
  expectSame(
    `schema of ${place}`,
    [schema.fields.map((field) => [field.name, field.type]), schema.keyFields],
    [table.fields, keyFields],
  );
  const rows = [...table.rows.values()];
  const sorted = rows.toSorted((a, b) => compareKeys(keyOf(table, a), keyOf(table, b)));
  const all = [...reader.getRowsByKeyPrefix(family, name)].map((row) => textOf(table, row));
  expectSame(`rows of ${place}`, all, sorted.map(canonicalRow));
  for (const row of rows.slice(0, ROWS_LOOKED_AT)) {
    const key = keyOf(table, row).map(keyPart);
    const found = reader.getRowByKey(family, name, ...key);
    expectSame(`row ${canonicalRow(key)} of ${place}`, found && textOf(table, found), canonicalRow(row));
    const [first = ""] = key;
    const alike = sorted.filter(
      (other) => canonicalRow([keyOf(table, other)[0] ?? null]) === canonicalRow([first]),
    );
    const prefixed = [...reader.getRowsByKeyPrefix(family, name, first)].map((other) => textOf(table, other));
    expectSame(`rows of ${place} from ${canonicalRow([first])}`, prefixed, alike.map(canonicalRow));
  }
  const absent = keyFields.map((field) => absentPart(table, field));
  expectSame(`a row of ${place} that was never written`, reader.getRowByKey(family, name, ...absent), null);
}

function textOf(table: ModelTable, row: Row): string {
  return canonicalRow(table.fields.map(([field]) => row[field] ?? null));
}

function keyPart(cell: Cell): string | bigint | Uint8Array {
  if (cell === null || typeof cell === "number") throw new Error("not a key");
  return cell;
}

/** No generated value is like these. */
function absentPart(table: ModelTable, field: string): string | bigint | Uint8Array {
  const type = table.fields.find(([name]) => name === field)?.[1];
  if (type === "integer") return 4_611_686_018_427_387_903n;
  return type === "string" ? "never written" : new Uint8Array(7).fill(0xee);
}

/** SQLite's order: integers by value, texts and blobs by their bytes. */
function compareKeys(a: readonly Cell[], b: readonly Cell[]): number {
  for (const [i, left] of a.entries()) {
    const right = b[i] ?? null;
    if (typeof left === "bigint" && typeof right === "bigint") {
      if (left !== right) return left < right ? -1 : 1;
      continue;
    }
    const order = Buffer.compare(bytesOf(left), bytesOf(right));
    if (order !== 0) return order;
  }
  return 0;
}

function bytesOf(cell: Cell): Buffer {
  return cell instanceof Uint8Array ? Buffer.from(cell) : Buffer.from(String(cell));
}

function expectRefusal(code: string, read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (isCtlstoreError(error) && error.code === code) return;
    throw error;
  }
  throw new Error(`the reader answered where it must refuse with ${code}`);
}

function expectSame(what: string, actual: unknown, expected: unknown): void {
  if (Bun.deepEquals(actual, expected, true)) return;
  throw new Error(`${what}\n  is   ${JSON.stringify(actual)}\n  not  ${JSON.stringify(expected)}`);
}
