/** Sequences, latency and waiting for a write. */
import assert from "node:assert/strict";
import type { SuiteEnvironment } from "./environment.ts";
import { rejectsCode, throwsCode } from "./expect.ts";
import { SampleFolder } from "./sample-ldb.ts";

const TABLE = 'CREATE TABLE fam___t1 ("id" INTEGER, PRIMARY KEY("id"))';
const LONG_MS = 20_000;

export function defineWaitingTests(environment: SuiteEnvironment): void {
  const { test } = environment;

  test("waitFor resolves when the sequence is applied, and at once when it was", async () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    const reader = folder.reader();
    const waiting = reader.waitFor(2, { timeoutMs: LONG_MS });
    ldb.changeSchema(TABLE);
    ldb.apply("INSERT INTO fam___t1 VALUES(1)");
    await waiting;
    assert.deepEqual(reader.getRowByKey("fam", "t1", 1), { id: 1 });
    for (const sequence of [1, 2n, "2"]) await reader.waitFor(sequence, { timeoutMs: 0 });
  });

  test("waitFor rejects when time runs out, it is aborted, or it is no sequence", async () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    const reader = folder.reader();
    await rejectsCode("wait_timeout", reader.waitFor(1, { timeoutMs: 0 }));
    ldb.changeSchema(TABLE);
    await rejectsCode("wait_timeout", reader.waitFor(2, { timeoutMs: 20 }));
    const reason = new Error("enough");
    const controller = new AbortController();
    const waiting = reader.waitFor(2, { timeoutMs: LONG_MS, signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(waiting, (error) => error === reason);
    const aborted = reader.waitFor(1, { timeoutMs: 0, signal: controller.signal });
    await assert.rejects(aborted, (error) => error === reason);
    for (const sequence of [-1, 1.5, "x", 2 ** 60, 2n ** 63n]) {
      await assert.rejects(reader.waitFor(sequence, { timeoutMs: 0 }), RangeError);
    }
    await assert.rejects(reader.waitFor(1, { timeoutMs: Number.NaN }), RangeError);
  });

  test("waitFor rejects when the reader is closed meanwhile", async () => {
    using folder = new SampleFolder(environment);
    folder.ldb();
    const reader = folder.reader();
    const waiting = reader.waitFor(1, { timeoutMs: LONG_MS });
    reader.close();
    await rejectsCode("reader_closed", waiting);
  });

  test("R9 sequences are exact and rows are read when they are beyond 2^53", async () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.changeSchema(TABLE);
    ldb.apply("INSERT INTO fam___t1 VALUES(1)");
    const reader = folder.reader();
    for (const sequence of [2n ** 31n, 2n ** 53n + 1n, 2n ** 63n - 1n]) {
      ldb.moveTo(sequence);
      assert.equal(reader.getLastSequence(), sequence);
      assert.deepEqual(reader.getRowByKey("fam", "t1", 1), { id: 1 });
      await reader.waitFor(sequence, { timeoutMs: 0 });
    }
  });

  test("D21 latency is exact below the second when our Reflector wrote, and never negative", () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.changeSchema(TABLE);
    const reader = folder.reader();
    throwsCode("ldb_empty", () => reader.getLedgerLatency());
    const startMs = Date.now();
    ldb.stamp((startMs - 1_500) * 1000);
    const latency = reader.getLedgerLatency();
    const elapsedSeconds = (Date.now() - startMs) / 1000;
    assert.ok(latency >= 1.5 && latency <= 1.5 + elapsedSeconds, `${latency} s`);
    ldb.stamp((startMs + 3_600_000) * 1000);
    assert.equal(reader.getLedgerLatency(), 0);
  });

  test("latency follows the original's timestamp when its Reflector went on with the LDB", () => {
    using folder = new SampleFolder(environment);
    const ldb = folder.ldb();
    ldb.changeSchema(TABLE);
    ldb.stamp((Date.now() - 3_600_000) * 1000);
    const stamp = `${new Date(Date.now() - 10_000).toISOString().slice(0, 19).replace("T", " ")}+00:00`;
    ldb.applyAsOriginal(`INSERT INTO _ldb_last_update VALUES('ledger', '${stamp}')`);
    const latency = folder.reader().getLedgerLatency();
    assert.ok(latency >= 10 && latency < 60, `${latency} s`);
  });
}
