/** R18: a damaged LDB is noticed, replaced by a snapshot and set aside; readers stay on what works. */
import { describe, expect, test } from "bun:test";
import { closeSync, existsSync, openSync, readdirSync, realpathSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";
import { CtlstoreError } from "../../../core/errors.ts";
import { openReader } from "../../../reader/index.ts";
import { checkLdb } from "../../../snapshot/download/task-source.ts";
import { storeIndex, storeSnapshots } from "../../support/make-snapshot.ts";
import { type TempFolder, tempFolder } from "../../support/temp-folder.ts";
import { until } from "../../support/until.ts";
import { reflect, rowsOf } from "../harness.ts";
import { CREATE_T, ctldbAway, MemoryLedger, put } from "../memory-ledger.ts";
import { bootstrapping, snapshotAt, sourceInProcess } from "./harness.ts";

const ROWS = 400;

interface World {
  readonly ledger: MemoryLedger;
  readonly ldb: string;
  readonly url: string;
  /** The database file itself. */
  readonly path: string;
}

/** An LDB at the head of its ledger, closed, and a store with a snapshot of half of it. */
async function worldOf(folder: TempFolder): Promise<World> {
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T);
  for (let key = 1; key <= ROWS; key++) ledger.append(put(key, "x".repeat(150)));
  const ldb = folder.file("ldb");
  const reflector = await reflect(ledger, ldb);
  await reflector.applies(ledger.head);
  await reflector.stop();
  const url = storeSnapshots(folder.file("store"), [await snapshotAt(ledger, ROWS / 2)]);
  return { ledger, ldb, url, path: realpathSync(join(ldb, "ldb.db")) };
}

function overwrite(path: string, { from, bytes }: { readonly from: number; readonly bytes: number }): void {
  const descriptor = openSync(path, "r+");
  writeSync(descriptor, Buffer.alloc(bytes, 0xff), 0, bytes, from);
  closeSync(descriptor);
}

function setAsideIn(ldb: string): string[] {
  return readdirSync(ldb).filter((name) => name.startsWith("set-aside-"));
}

describe("R18 a damaged LDB", () => {
  test.each([
    ["is no database any more", (path: string) => overwrite(path, { from: 0, bytes: 4_096 })],
    ["was cut", (path: string) => truncateSync(path, 5_000)],
  ])("is replaced and set aside when it is opened and %s", async (_what, damage) => {
    using folder = tempFolder();
    const { ledger, ldb, url, path } = await worldOf(folder);
    damage(path);
    await using reflector = await bootstrapping({ ledger, folder: ldb, url });
    await reflector.applies(ledger.head);
    expect(rowsOf(ldb)).toHaveLength(ROWS);
    expect(setAsideIn(ldb)).toHaveLength(1);
    expect(existsSync(join(ldb, setAsideIn(ldb)[0] ?? "", "ldb.db"))).toBe(true);
  });

  test("is found by a child process while the ledger is applied already, and readers follow", async () => {
    using folder = tempFolder();
    const { ledger, ldb, url, path } = await worldOf(folder);
    const reader = openReader({ path: join(ldb, "ldb.db") });
    expect(reader.getLastSequence()).toBe(ledger.head);
    overwrite(path, { from: 9 * 4_096, bytes: 4_096 });
    const found = Promise.withResolvers<void>();
    const { promise: mayLook, resolve: look } = Promise.withResolvers<void>();
    const check = async (database: string) => {
      await mayLook;
      await checkLdb(database, new AbortController().signal).finally(() => found.resolve());
    };
    await using reflector = await bootstrapping({ ledger, folder: ldb, url, checkLdb: check });
    ledger.append(put(ROWS + 1, "new"));
    await reflector.applies(ledger.head);
    look();
    await found.promise;
    await until(() => setAsideIn(ldb).length === 1, { what: "the damaged LDB set aside" });
    await reflector.applies(ledger.head);
    expect(await reflector.reaches("current")).toMatchObject({ bootstrap: null });
    expect(rowsOf(ldb)).toHaveLength(ROWS + 1);
    await until(() => reader.getRowByKey("fam", "tbl", ROWS + 1)?.["v"] === "new", { what: "the reader" });
    reader.close();
  });

  test("is replaced when SQLite meets the damage while it applies", async () => {
    using folder = tempFolder();
    const { ledger, ldb, url, path } = await worldOf(folder);
    overwrite(path, { from: 2 * 4_096, bytes: 25 * 4_096 });
    await using reflector = await bootstrapping({ ledger, folder: ldb, url, checkLdb: async () => {} });
    for (let key = 1; key <= ROWS; key++) ledger.append(put(key, "again"));
    await until(() => setAsideIn(ldb).length === 1, { what: "the damaged LDB set aside" });
    await reflector.applies(ledger.head);
    expect(rowsOf(ldb)).toContain(`${ROWS}=again`);
  });

  test("I15 R36 is not replaced by an older snapshot before the ctldb can bring that forward", async () => {
    using folder = tempFolder();
    const { ledger, ldb, url } = await worldOf(folder);
    using reader = openReader({ path: join(ldb, "ldb.db") });
    const read = () => reader.getRowByKey("fam", "tbl", 1);
    expect(read()).not.toBeNull();
    ledger.failure = ctldbAway();
    const check = async () => {
      throw new CtlstoreError("ldb_damaged", "Cannot use it");
    };
    await using reflector = await bootstrapping({ ledger, folder: ldb, url, checkLdb: check });
    const isFailing = () => (reflector.status().bootstrap?.failedAttempts ?? 0) >= 3;
    await until(() => read() !== null && isFailing(), { what: "attempts in vain", intervalMs: 1 });
    expect(read()).not.toBeNull();
    expect(reflector.status()).toMatchObject({
      sequence: ledger.head,
      state: "stuck",
      reason: { code: "ctldb_unavailable" },
    });
    ledger.failure = null;
    await until(() => setAsideIn(ldb).length === 1, { what: "the damaged LDB set aside" });
    await reflector.applies(ledger.head);
    await until(() => read() !== null, { what: "the reader" });
  });

  test("gets nothing more when the damage is found while another attempt is under way that fails", async () => {
    using folder = tempFolder();
    const { ledger, ldb, url } = await worldOf(folder);
    const source = sourceInProcess(url);
    const found = Promise.withResolvers<void>();
    const list = async () => {
      await found.promise;
      throw new CtlstoreError("snapshot_store_unavailable", "Cannot list");
    };
    const check = async () => {
      found.resolve();
      throw new CtlstoreError("ldb_damaged", "Cannot use it");
    };
    const bootstrap = { force: true, backoffMs: { base: 600_000, max: 600_000 } };
    const given = { ledger, folder: ldb, url, bootstrap, checkLdb: check };
    ledger.append(put(ROWS + 1, "new"));
    await using reflector = await bootstrapping({ ...given, snapshots: { ...source, list } });
    const stuck = await reflector.reaches("stuck", "snapshot_store_unavailable");
    expect(stuck.bootstrap?.cause).toBe("damaged");
    expect(rowsOf(ldb)).toHaveLength(ROWS);
  });

  test("stays what readers have while no snapshot is to be had", async () => {
    using folder = tempFolder();
    const { ledger, ldb, path } = await worldOf(folder);
    overwrite(path, { from: 9 * 4_096, bytes: 4_096 });
    const url = storeIndex(folder.file("empty"), []);
    const check = async () => {
      throw new CtlstoreError("ldb_damaged", "Cannot use it");
    };
    await using reflector = await bootstrapping({ ledger, folder: ldb, url, checkLdb: check });
    const stuck = await reflector.reaches("stuck", "snapshot_not_found");
    expect(stuck).toMatchObject({ sequence: ledger.head, bootstrap: { cause: "damaged" } });
    expect(setAsideIn(ldb)).toEqual([]);
    const reader = openReader({ path: join(ldb, "ldb.db") });
    expect(reader.getRowByKey("fam", "tbl", 1)).not.toBeNull();
    reader.close();
  });

  test("is replaced with the ctldb away by a snapshot of its own ctldb and no other", async () => {
    using folder = tempFolder();
    const { ledger, ldb } = await worldOf(folder);
    const url = storeSnapshots(folder.file("own"), [await snapshotAt(ledger, ROWS + 1)]);
    ledger.append(put(ROWS + 1, "new"));
    ledger.failure = ctldbAway();
    const other = new MemoryLedger({ epoch: "f".repeat(32), origin: new Uint8Array(32).fill(9) });
    other.append(CREATE_T, put(1, "wrong"), put(2, "wrong"));
    const otherUrl = storeSnapshots(folder.file("other"), [await snapshotAt(other, 3)]);
    const check = async () => {
      throw new CtlstoreError("ldb_damaged", "Cannot use it");
    };
    {
      await using reflector = await bootstrapping({ ledger, folder: ldb, url: otherUrl, checkLdb: check });
      await reflector.reaches("stuck", "snapshot_mismatch");
      expect(rowsOf(ldb)).toHaveLength(ROWS);
    }
    await using reflector = await bootstrapping({ ledger, folder: ldb, url, checkLdb: check });
    await until(() => setAsideIn(ldb).length === 1, { what: "the damaged LDB set aside" });
    await until(() => reflector.status().sequence === BigInt(ROWS + 1), { what: "the snapshot" });
    ledger.failure = null;
    await reflector.applies(ledger.head);
  });

  test("makes a Reflector without a store end, as before", async () => {
    using folder = tempFolder();
    const { ledger, ldb, path } = await worldOf(folder);
    overwrite(path, { from: 0, bytes: 4_096 });
    await expect(reflect(ledger, ldb)).rejects.toMatchObject({ code: "ldb_damaged" });
  });
});
