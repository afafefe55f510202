/** GET /readyz, which anybody may ask: one query for all who ask at about the same time. */
import { expect, test } from "bun:test";
import { CtlstoreError } from "../../core/errors.ts";
import { type Clock, systemClock } from "../../core/process/clock.ts";
import type { CtlDb } from "../../ctldb/contract.ts";
import { Readiness } from "../../server/readiness.ts";
import { openTestApp } from "./test-app.ts";

test("a flood of questions costs the ctldb one query in a fifth of a second, and what it says is the answer", async () => {
  await using app = await openTestApp();
  let nowMs = 0;
  let queries = 0;
  let away = false;
  const clock: Clock = { ...systemClock, monotonicMs: () => nowMs };
  const status: CtlDb["status"] = () => {
    queries += 1;
    return away
      ? Promise.reject(new CtlstoreError("ctldb_unavailable", "Cannot reach it"))
      : app.ctldb.status();
  };
  const readiness = new Readiness({ ctldb: { ...app.ctldb, status } as CtlDb, clock });
  const ask = () =>
    readiness.check().then(
      () => "ready",
      ({ code }: CtlstoreError) => code,
    );
  const flood = () => Promise.all(Array.from({ length: 100 }, ask));

  expect([new Set(await flood()), queries]).toEqual([new Set(["ready"]), 1]);
  away = true;
  expect([await ask(), queries]).toEqual(["ready", 1]);
  nowMs += 200;
  expect([new Set(await flood()), queries]).toEqual([new Set(["ctldb_unavailable"]), 2]);
  away = false;
  expect([await ask(), queries]).toEqual(["ctldb_unavailable", 2]);
  nowMs += 200;
  expect([await ask(), queries]).toEqual(["ready", 3]);
});
