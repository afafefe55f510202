/** Two Executives on one MariaDB, and thirty-two writers at once. */
import { beforeAll, describe, expect, test } from "bun:test";
import { dumpCtlDb } from "../support/dump-rows.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { checkLedger, readWholeLedger, replayLedger, type WholeLedger } from "../support/replay-ledger.ts";
import { startExecutiveService } from "../support/services.ts";
import { timeoutMsOf } from "../support/suite.ts";
import { batchesInLedger, type LoadRecord, prepareLoad, runLoad } from "./many-writers-load.ts";

const WRITERS = 32;
const LOAD_MS = timeoutMsOf({ quick: 6_000, deep: 60_000 });
const NAMES = Array.from({ length: WRITERS }, (_, i) => `writer ${i + 1}`);

describe("two Executives and 32 writers at once on MariaDB", () => {
  let ctldbUrl = "";
  let load: LoadRecord;
  let ledger: WholeLedger;

  beforeAll(async () => {
    ctldbUrl = await (await sharedMariadb()).createDatabase();
    await using first = await startExecutiveService(ctldbUrl);
    await using second = await startExecutiveService(ctldbUrl);
    await prepareLoad(first.url, NAMES);
    const endMs = performance.now() + LOAD_MS;
    const urls = [first.url, second.url];
    load = await runLoad({ urls, names: NAMES, isOver: () => performance.now() > endMs });
    ledger = await readWholeLedger(ctldbUrl);
    console.log(`${batchesOf(load)} batches in ${LOAD_MS / 1000} s by ${WRITERS} writers and two Executives`);
  }, LOAD_MS + 120_000);

  test("I1: every acknowledged batch is in the ledger once, in the order of sending, at the sequence that was answered", () => {
    const inLedger = batchesInLedger(ledger.entries);
    for (const { name, sequences } of load.writers) {
      expect(sequences.length).toBeGreaterThan(0);
      // No answer was lost, so none is null.
      const expected = sequences.map((sequence, i) => ({ n: i + 1, sequence: sequence ?? 0n }));
      expect(inLedger.get(name) ?? []).toEqual(expected);
    }
  });

  test("D11: no request is answered with an error when writers compete", () => {
    expect([...load.statuses.keys()]).toEqual([200]);
  });

  test("I1 I6 I14: sequences have no gap, batches do not mix, and the chain holds when two Executives append", () => {
    expect(() => checkLedger(ledger)).not.toThrow();
  });

  test("I8: the rows are those that the ledger leaves when all have written", async () => {
    const rows = await dumpCtlDb(ctldbUrl);
    expect(rows).toEqual(replayLedger(ledger.entries));
    expect(rows["load___numbers"]?.rows.length).toBe(batchesOf(load));
    const latest = load.writers.map(({ name, sequences }) => `text "${name}"|integer ${sequences.length}`);
    expect(rows["load___latest"]?.rows).toEqual(latest.sort());
  });
});

function batchesOf(load: LoadRecord): number {
  return load.writers.reduce((sum, { sequences }) => sum + sequences.length, 0);
}
