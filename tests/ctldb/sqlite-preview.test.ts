/** A preview on SQLite that has no time: rows are estimated from their numbers, and nobody waits for it. */
import { expect, test } from "bun:test";
import { PREVIEW_LIMITS } from "../../core/limits.ts";
import { systemClock } from "../../core/process/clock.ts";
import { openCtlDb } from "../../ctldb/open.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { COUNTS, count, DEPS, FAMILY, openFilled, remove, request } from "./fixture.ts";

test("a preview on SQLite estimates the rows that there is no time to count", async () => {
  using folder = tempFolder("preview");
  const url = `sqlite:${folder.file("ctldb.db")}`;
  const rows = PREVIEW_LIMITS.stepRows * 2;
  {
    await using ctldb = await openFilled(url);
    for (let at = 0; at < rows; at += 10_000)
      await ctldb.write(request(Array.from({ length: 10_000 }, (_, i) => count(`n${at + i}`))));
    // Gaps, alike everywhere.
    const gone = Array.from({ length: rows / 4 }, (_, i) => remove("counts", { name: `n${i * 4}` }));
    await ctldb.write(request(gone));
  }
  let nowMs = 0;
  const monotonicMs = () => {
    nowMs += PREVIEW_LIMITS.lookMs;
    return nowMs;
  };
  await using ctldb = await openCtlDb(url, { ...DEPS, clock: { ...systemClock, monotonicMs } });
  const { tables } = await ctldb.preview({ kind: "clear", family: FAMILY, table: COUNTS.table });
  const [shown] = tables;
  expect([shown?.rowsAreEstimated, shown?.cost]).toEqual([true, "rows"]);
  expect(Number(shown?.rows)).toBeWithin(rows * 0.74, rows * 0.76);
});
