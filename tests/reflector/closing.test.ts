/** An LDB that refuses to be closed keeps neither a bootstrap nor the end of a Reflector from going on. */
import { expect, spyOn, test } from "bun:test";
import { systemClock } from "../../core/process/clock.ts";
import { toSequence } from "../../core/sequence.ts";
import { WriterLock } from "../../ldb/writer-lock.ts";
import { LdbWriter } from "../../reflector/ldb-writer.ts";
import { storeSnapshots } from "../support/make-snapshot.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { bootstrapping, snapshotAt } from "./bootstrap/harness.ts";
import { reflect } from "./harness.ts";
import { CREATE_T, MemoryLedger, put } from "./memory-ledger.ts";

const refuses = () => {
  throw new Error("disk I/O error, for a test");
};

function ledgerOf(length: number): MemoryLedger {
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T);
  for (let key = 1; key < length; key++) ledger.append(put(key, `v${key}`));
  return ledger;
}

test("R18 a snapshot that took the place of an LDB stays, though the old one could not be closed well", async () => {
  using folder = tempFolder();
  const ldb = folder.file("ldb");
  const ledger = ledgerOf(10);
  const url = storeSnapshots(folder.file("store"), [await snapshotAt(ledger, 8)]);
  {
    await using reflector = await reflect(ledger.restoredAt(3), ldb);
    await reflector.applies(3n);
  }
  ledger.prunedBelow = toSequence(7);
  const close = spyOn(LdbWriter.prototype, "close").mockImplementationOnce(refuses);
  try {
    const bootstrap = { backoffMs: { base: 600_000, max: 600_000 } }; // a second attempt would hide it
    await using reflector = await bootstrapping({ ledger, folder: ldb, url, bootstrap });
    expect(await reflector.applies(10n)).toMatchObject({ bootstrap: null });
    expect(close).toHaveBeenCalledTimes(1);
  } finally {
    close.mockRestore();
  }
});

test("D20 a Reflector whose LDB could not be closed well ends all the same, and lets go of its lock", async () => {
  using folder = tempFolder();
  const close = spyOn(LdbWriter.prototype, "close").mockImplementation(refuses);
  try {
    const reflector = await reflect(ledgerOf(3), folder.path);
    await reflector.applies(3n);
    await reflector.stop();
    await reflector.done;
    WriterLock.acquire(folder.path, systemClock).release();
  } finally {
    close.mockRestore();
  }
});
