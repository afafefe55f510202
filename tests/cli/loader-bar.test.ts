/** The bar of a loader that runs to the end says what the status says. */
import { expect, test } from "bun:test";
import { Writable } from "node:stream";
import { loaderBar } from "../../cli/loader-bar.ts";
import type { LoaderStatus } from "../../loader/service/status/status.ts";
import { until } from "../support/until.ts";

test("loaderBar shows events out of those that were there, and its last word at the end", async () => {
  const written: string[] = [];
  const terminal = new Writable({
    write(chunk, _encoding, done) {
      written.push(String(chunk));
      done();
    },
  });
  const screen = Object.assign(terminal, { isTTY: true, columns: 120 });
  let now: { lagEvents: number | null; totals: { records: number; rows: number } } = {
    lagEvents: null,
    totals: { records: 0, rows: 0 },
  };
  const bar = loaderBar(() => now as LoaderStatus, screen); // all that it looks at
  now = { lagEvents: 30, totals: { records: 10, rows: 9 } };
  await until(() => written.join("").includes("10/40 events | 9 rows"), { what: "the bar" });
  now = { lagEvents: null, totals: { records: 40, rows: 38 } };
  bar.finish();
  bar.stop();
  expect(written.join("")).toContain("100% | 40/40 events | 38 rows");
});

test("loaderBar shows nothing when nothing is known before the end", () => {
  const written: string[] = [];
  const screen = new Writable({
    write(chunk, _encoding, done) {
      written.push(String(chunk));
      done();
    },
  });
  const bar = loaderBar(() => ({ lagEvents: null, totals: { records: 0, rows: 0 } }) as LoaderStatus, screen);
  bar.stop();
  expect(written).toEqual([]);
});
