/** I15 R36: a snapshot from before what the LDB holds is brought forward before it takes that one's place. */
import { describe, expect, test } from "bun:test";
import { realpathSync } from "node:fs";
import { join } from "node:path";
import type { LedgerSource } from "../../../core/ledger/entry.ts";
import { openReader } from "../../../reader/index.ts";
import { storeSnapshots } from "../../support/make-snapshot.ts";
import { type TempFolder, tempFolder } from "../../support/temp-folder.ts";
import { until } from "../../support/until.ts";
import { reflect, rowsOf } from "../harness.ts";
import { CREATE_T, MemoryLedger, put } from "../memory-ledger.ts";
import { bootstrapping, snapshotAt } from "./harness.ts";

const SNAPSHOT_AT = 20;
const ROWS = 60;

/** An LDB at the head of its ledger, and a store with a snapshot of a third of it. */
async function worldOf(folder: TempFolder) {
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T);
  for (let key = 1; key < ROWS; key++) ledger.append(put(key, `value ${key}`));
  const ldb = folder.file("ldb");
  const reflector = await reflect(ledger, ldb);
  await reflector.applies(ledger.head);
  await reflector.stop();
  const url = storeSnapshots(folder.file("store"), [await snapshotAt(ledger, SNAPSHOT_AT)]);
  return { ledger, ldb, url };
}

/** A ledger that keeps back what comes after the snapshot until it is let go. */
function heldBack(ledger: MemoryLedger) {
  const gate = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const source: LedgerSource = {
    describe: () => ledger.describe(),
    async poll(after, limit) {
      if (after === BigInt(SNAPSHOT_AT) && limit > 1) {
        asked.resolve();
        await gate.promise;
      }
      return ledger.poll(after, limit);
    },
    [Symbol.asyncDispose]: () => ledger[Symbol.asyncDispose](),
  };
  return { source, asked: asked.promise, letGo: () => gate.resolve() };
}

describe("an older snapshot", () => {
  test("I15 R36 is brought forward first, so that no reader that has read on is refused", async () => {
    using folder = tempFolder();
    const { ledger, ldb, url } = await worldOf(folder);
    const before = realpathSync(join(ldb, "ldb.db"));
    using reader = openReader({ path: ldb });
    expect(reader.getLastSequence()).toBe(ledger.head);
    const { source, asked, letGo } = heldBack(ledger);
    await using reflector = await bootstrapping({
      ledger: source,
      folder: ldb,
      url,
      bootstrap: { force: true },
    });
    await asked;
    expect(reflector.status().state).toBe("bootstrapping");
    expect(realpathSync(join(ldb, "ldb.db"))).toBe(before);
    expect(reader.getRowByKey("fam", "tbl", ROWS - 1)).not.toBeNull();
    letGo();
    await until(
      () => {
        // Every look is a read: it throws when the LDB has gone back.
        expect(reader.getLastSequence()).toBe(ledger.head);
        return realpathSync(join(ldb, "ldb.db")) !== before;
      },
      { what: "the new generation", intervalMs: 1 },
    );
    await reflector.reaches("current");
    expect(reader.getLastSequence()).toBe(ledger.head);
    expect(rowsOf(ldb)).toHaveLength(ROWS - 1);
  });

  test("takes the LDB's place all the same when the ledger has an entry that cannot be applied", async () => {
    using folder = tempFolder();
    const { ledger, ldb, url } = await worldOf(folder);
    ledger.append("REPLACE INTO fam___missing (k) VALUES(1)");
    await using reflector = await bootstrapping({ ledger, folder: ldb, url, bootstrap: { force: true } });
    const { sequence, bootstrap } = await reflector.reaches("stuck", "statement_refused");
    expect<bigint>(sequence).toBe(ledger.head - 1n);
    expect(bootstrap).toBeNull();
    expect(rowsOf(ldb)).toHaveLength(ROWS - 1);
  });
});
