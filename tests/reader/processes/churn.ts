/**
 * A table that keeps changing, in rows and in key, so that any read can be told right from wrong.
 *
 * Transaction n sets `v` of every row to n, and n is the sequence. Now and then the table is dropped and made again
 * with the other field as its key, in the same transaction: under key "k3" there is always a row.
 */
export const CHURN_ROWS = 20;

/** Which of the two fields is the key of the table made at this sequence. */
export type ChurnKey = "a" | "b";

export function churnKeyName(i: number): string {
  return `k${i}`;
}

/** The statements that make the table. */
export function makeChurnTable(key: ChurnKey, sequence: number): string {
  const rows = Array.from({ length: CHURN_ROWS }, (_, i) => {
    const other = `other${i}`;
    const [a, b] = key === "a" ? [churnKeyName(i), other] : [other, churnKeyName(i)];
    return `('${key}', '${a}', '${b}', ${sequence})`;
  });
  return `DROP TABLE IF EXISTS fam___churn;
    CREATE TABLE fam___churn ("which" VARCHAR(191), "a" VARCHAR(191), "b" VARCHAR(191), "v" INTEGER, PRIMARY KEY("${key}"));
    INSERT INTO fam___churn VALUES ${rows.join(", ")}`;
}
