/** Random histories of a table at the origin: their events, mapped and applied one by one, give the rows that it has (R31). */
import { expect, test } from "bun:test";
import { runsOf, suiteSeed, timeoutMsOf } from "../../support/suite.ts";
import { mappedRows, type Origin, runHistory } from "./origin-history.ts";

const ORIGINS: readonly [string, Origin][] = [
  ["its primary key", { key: "id", isFlattened: false }],
  ["another unique column", { key: "code", isFlattened: false }],
  ["its primary key, flattened", { key: "id", isFlattened: true }],
];

test.each(ORIGINS)(
  "R31 rows are those of the origin after any history when the table's key is %s",
  (_, origin) => {
    const seed = suiteSeed();
    for (let run = 0; run < runsOf({ quick: 60, deep: 5_000 }); run++) {
      const history = runHistory(seed + run, origin);
      expect([seed + run, mappedRows(history)]).toEqual([seed + run, history.rows]);
    }
  },
  timeoutMsOf({ quick: 20_000, deep: 300_000 }),
);
