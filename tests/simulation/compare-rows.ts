/** Compares two dumps, and says shortly where they differ. */
import type { RowsDump } from "../support/dump-rows.ts";

/** @throws Error naming the first table that differs, with the rows that only one side has */
export function expectSameRows(what: string, actual: RowsDump, expected: RowsDump): void {
  for (const table of new Set([...Object.keys(actual), ...Object.keys(expected)])) {
    const [is, must] = [actual[table], expected[table]];
    if (Bun.deepEquals(is, must)) continue;
    const only = (a: typeof is, b: typeof is) => a?.rows.filter((row) => !b?.rows.includes(row)) ?? null;
    const difference = {
      columns: [is?.columns, must?.columns],
      key: [is?.key, must?.key],
      wrong: only(is, must),
      missing: only(must, is),
    };
    throw new Error(`${what}: table ${table} differs from the model: ${JSON.stringify(difference)}`);
  }
}
