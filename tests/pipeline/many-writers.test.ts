/** Two Executives on one MariaDB, and thirty-two writers at once. */
import { beforeAll, describe, expect, test } from "bun:test";
import { COMMIT_MARKER } from "../../core/ledger/statements.ts";
import { dumpCtlDb } from "../support/dump-rows.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { checkLedger, readWholeLedger, replayLedger, type WholeLedger } from "../support/replay-ledger.ts";
import { startExecutiveService } from "../support/services.ts";
import { timeoutMsOf } from "../support/suite.ts";
import { type LoadRecord, prepareLoad, runLoad, type WriterRecord } from "./many-writers-load.ts";

const WRITERS = 32;
const LOAD_MS = timeoutMsOf({ quick: 6_000, deep: 60_000 });
const NAMES = Array.from({ length: WRITERS }, (_, i) => `writer ${i + 1}`);

/** A numbered row as it stands in the ledger. */
const NUMBERED = /^REPLACE INTO load___numbers \("n","writer"\) VALUES\((\d+),'([^']+)'\)$/;

interface NumberedBatch {
  readonly n: number;
  /** Of its last entry. */
  readonly sequence: bigint;
}

function batchesIn(ledger: WholeLedger): Map<string, NumberedBatch[]> {
  const batches = new Map<string, NumberedBatch[]>();
  let open: { readonly writer: string; readonly n: number } | null = null;
  for (const { statement, sequence } of ledger.entries) {
    const [, n, writer] = NUMBERED.exec(statement) ?? [];
    if (writer !== undefined) open = { writer, n: Number(n) };
    if (statement !== COMMIT_MARKER || open === null) continue;
    const known = batches.get(open.writer) ?? [];
    known.push({ n: open.n, sequence });
    batches.set(open.writer, known);
    open = null;
  }
  return batches;
}

describe("two Executives and 32 writers at once on MariaDB", () => {
  let ctldbUrl = "";
  let load: LoadRecord;
  let ledger: WholeLedger;
  /** Per writer, the numbers of its batches in the order of the ledger, with the sequence of each batch's end. */
  const inLedger = new Map<string, NumberedBatch[]>();

  beforeAll(async () => {
    ctldbUrl = await (await sharedMariadb()).createDatabase();
    await using first = await startExecutiveService(ctldbUrl);
    await using second = await startExecutiveService(ctldbUrl);
    await prepareLoad(first.url, NAMES);
    const endMs = performance.now() + LOAD_MS;
    load = await runLoad([first.url, second.url], NAMES, () => performance.now() > endMs);
    ledger = await readWholeLedger(ctldbUrl);
    for (const [writer, batches] of batchesIn(ledger)) inLedger.set(writer, batches);
    const batches = load.writers.reduce((sum, { sequences }) => sum + sequences.length, 0);
    console.log(`${batches} batches in ${LOAD_MS / 1000} s by ${WRITERS} writers through two Executives`);
  }, LOAD_MS + 120_000);

  test("I1: every acknowledged batch is in the ledger once, in the order of sending, at the sequence that was answered", () => {
    const ofLedger = NAMES.map((name): WriterRecord => {
      const numbers = inLedger.get(name) ?? [];
      expect(numbers.map(({ n }) => n)).toEqual(numbers.map((_, i) => i + 1));
      return { name, sequences: numbers.map(({ sequence }) => sequence) };
    });
    expect(ofLedger).toEqual([...load.writers]);
    for (const { sequences } of load.writers) expect(sequences.length).toBeGreaterThan(0);
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
    expect(rows["load___numbers"]?.rows.length).toBe(
      load.writers.reduce((sum, { sequences }) => sum + sequences.length, 0),
    );
    expect(rows["load___latest"]?.rows).toEqual(
      load.writers.map(({ name, sequences }) => `text "${name}"|integer ${sequences.length}`).sort(),
    );
  });
});
