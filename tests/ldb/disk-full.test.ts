/** A disk that is really full: reads go on, nothing is half-written, and it goes on by itself (I15, R13). */
import { describe, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freeBytes } from "../../ldb/free-space.ts";
import { openLdbFolder } from "../../ldb/ldb-folder.ts";
import { query, reflect, rowsOf } from "../reflector/harness.ts";
import { CREATE_T, MemoryLedger, put } from "../reflector/memory-ledger.ts";
import { smallDisk, whyNoMounts } from "../support/mounts.ts";
import { until } from "../support/until.ts";
import { DEPS, flipTo, generationsIn } from "./generation-world.ts";
import { startHotReaders } from "./hot-readers.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const noMounts = await whyNoMounts();
if (noMounts !== null) console.log(`tests of a full disk are skipped: ${noMounts}`);

function rows(count: number, value: string): string[] {
  return Array.from({ length: count }, (_, i) => put(i, `${value} ${"x".repeat(170)}`));
}

/** Takes all space but so much. */
function fillUp(folder: string, leftBytes: number): string {
  const path = join(folder, "ballast");
  writeFileSync(path, new Uint8Array(Math.max(0, freeBytes(folder) - leftBytes)));
  return path;
}

function integrityOf(folder: string): unknown {
  return query(folder, "PRAGMA integrity_check");
}

describe.skipIf(noMounts !== null)("a full disk", () => {
  test("I15 R13 stops applying with reads going on, and applying goes on when there is space again", async () => {
    using disk = smallDisk(2 * MIB);
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T, put(1, "first"));
    await using reflector = await reflect(ledger, disk.path, { transactionStatements: 20 });
    await reflector.reaches("current");
    await using readers = await startHotReaders(1, disk.path);
    ledger.appendTransaction(...rows(300, "early"));
    await reflector.applies(ledger.head);
    // One ledger transaction that does not fit: all of it or nothing.
    ledger.appendTransaction(...rows(12_000, "late"));
    const status = await reflector.reaches("stuck", "ldb_disk_full");
    expect(status.reason?.hint).toContain("Free space");
    expect(rowsOf(disk.path).filter((row) => row.includes("=early "))).toHaveLength(300);
    expect(rowsOf(disk.path)).toHaveLength(300);
    disk.resize(64 * MIB);
    await reflector.applies(ledger.head);
    await reflector.reaches("current");
    expect(rowsOf(disk.path)).toHaveLength(12_000);
    expect(integrityOf(disk.path)).toEqual([{ integrity_check: "ok" }]);
    const [report] = await readers.stop();
    expect(report).toMatchObject({ failure: null, sequence: Number(ledger.head) });
  });

  test("I15 R13 keeps a checkpoint from finishing with reads going on, and nothing is lost", async () => {
    using disk = smallDisk(4 * MIB);
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T, put(1, "first"));
    const wal = {
      walCheckpointBytes: 64 * MIB,
      walCapBytes: 1 * MIB,
      walInsist: { waitMs: 10, everyMs: 20 },
    };
    await using reflector = await reflect(ledger, disk.path, wal);
    await reflector.reaches("current");
    await using readers = await startHotReaders(1, disk.path);
    ledger.append(...rows(3_000, "in the log"));
    await reflector.applies(ledger.head);
    // The rows are in the log alone; it may just pass its cap, and the database has no room to grow by them.
    const { walBytes } = reflector.status().ldb;
    expect(walBytes).toBeGreaterThan(500 * KIB);
    expect(walBytes).toBeLessThan(wal.walCapBytes);
    const ballast = fillUp(disk.path, wal.walCapBytes - walBytes + 200 * KIB);
    const later = rows(3_000, "beyond the cap");
    while (later.length > 0) {
      ledger.append(...later.splice(0, 100));
      await until(() => reflector.status().state === "stuck" || reflector.status().sequence === ledger.head, {
        what: "100 rows, or a full disk",
        intervalMs: 1,
      });
    }
    const { sequence, reason } = await reflector.reaches("stuck", "ldb_disk_full");
    expect(reason?.message).toContain("wal_checkpoint");
    expect(query(disk.path, "SELECT seq FROM _ldb_seq")).toEqual([{ seq: Number(sequence) }]);
    expect(integrityOf(disk.path)).toEqual([{ integrity_check: "ok" }]);
    rmSync(ballast);
    await reflector.applies(ledger.head);
    await reflector.reaches("current");
    expect(rowsOf(disk.path).filter((row) => row.includes("beyond the cap"))).toHaveLength(3_000);
    expect(integrityOf(disk.path)).toEqual([{ integrity_check: "ok" }]);
    expect((await readers.stop())[0]?.failure).toBeNull();
  });

  test("R13 keeps no LDB from being opened that is there, nor the replaced one from being removed", async () => {
    using disk = smallDisk(2 * MIB);
    flipTo(disk.path, 1);
    flipTo(disk.path, 2);
    writeFileSync(join(disk.path, "ldb.db-wal"), "of a database that is gone");
    fillUp(disk.path, 0);
    const { database } = openLdbFolder(disk.path, DEPS);
    expect(database.get("SELECT v FROM fam___tbl")).toEqual({ v: "2" });
    database.close();
    expect(generationsIn(disk.path)).toHaveLength(1);
  });

  test("R13 refuses the first start by its code, and leaves nothing that a later start would trip over", async () => {
    using disk = smallDisk(1 * MIB);
    const ballast = fillUp(disk.path, 0);
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T, put(1, "first"));
    const refused = await reflect(ledger, disk.path).then(
      () => null,
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({ code: "ldb_disk_full" });
    rmSync(ballast);
    await using reflector = await reflect(ledger, disk.path);
    await reflector.reaches("current");
    expect(rowsOf(disk.path)).toEqual(["1=first"]);
  });
});
