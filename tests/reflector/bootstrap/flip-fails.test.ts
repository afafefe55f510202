/** A flip that is done and reported as failed, as when the disk fails at the fsync of the LDB's folder. */
import { expect, test } from "bun:test";
import { CtlstoreError } from "../../../core/errors.ts";
import { toSequence } from "../../../core/sequence.ts";
import { openReader } from "../../../reader/index.ts";
import { storeSnapshots } from "../../support/make-snapshot.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { until } from "../../support/until.ts";
import { reflect } from "../harness.ts";
import { CREATE_T, MemoryLedger, put } from "../memory-ledger.ts";
import { bootstrapping, snapshotAt } from "./harness.ts";

function ledgerOf(length: number): MemoryLedger {
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T);
  for (let key = 1; key < length; key++) ledger.append(put(key, `v${key}`));
  return ledger;
}

test("I15 R17 a Reflector goes on with the LDB that readers see when a flip fails after it was done", async () => {
  using folder = tempFolder();
  const ldb = folder.file("ldb");
  const ledger = ledgerOf(10);
  const url = storeSnapshots(folder.file("store"), [await snapshotAt(ledger, 8)]);
  {
    const old = ledger.restoredAt(3);
    await using reflector = await reflect(old, ldb);
    await reflector.reaches("current");
  }
  using reader = openReader({ path: ldb });
  expect(reader.getRowByKey("fam", "tbl", 2)).toEqual({ k: 2, v: "v2" });
  ledger.prunedBelow = toSequence(7); // so that the LDB is too old
  let failures = 0;
  const onPoint = (point: string) => {
    if (point !== "after-flip" || failures > 0) return;
    failures += 1;
    throw new CtlstoreError("ldb_unavailable", "Cannot publish: the disk fails, for a test");
  };
  const bootstrap = { backoffMs: { base: 600_000, max: 600_000 } }; // a second attempt would hide it
  await using reflector = await bootstrapping({ ledger, folder: ldb, url, bootstrap, options: { onPoint } });
  await reflector.applies(10n);
  expect(failures).toBe(1);
  using later = openReader({ path: ldb });
  expect(later.getRowByKey("fam", "tbl", 9)).toEqual({ k: 9, v: "v9" });
  await until(() => reader.getLastSequence() === 10n, { what: "the old reader to follow" });
});
