/** R13: a bootstrap on a disk that has no room, or loses it on the way, leaves nothing half-written and recovers. */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BOOTSTRAP_LIMITS } from "../../../core/limits.ts";
import type { SnapshotSource } from "../../../snapshot/download/contract.ts";
import { fillLdb } from "../../support/filled-ldb.ts";
import { makeSnapshot, storeSnapshots } from "../../support/make-snapshot.ts";
import { smallDisk, whyNoMounts } from "../../support/mounts.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { until } from "../../support/until.ts";
import { query } from "../harness.ts";
import { ctldbAway, MemoryLedger } from "../memory-ledger.ts";
import { bootstrapping, sourceInProcess } from "./harness.ts";

const MIB = 1024 * 1024;
const BYTES = 6 * MIB;
const whyNot = await whyNoMounts();
if (whyNot !== null) console.error(`R13 is skipped: ${whyNot}`);

function away(): MemoryLedger {
  const ledger = new MemoryLedger();
  ledger.failure = ctldbAway();
  return ledger;
}

function generationsIn(ldb: string): number {
  return readdirSync(join(ldb, "generations")).length;
}

describe.skipIf(whyNot !== null)("R13 a bootstrap", () => {
  test("waits when the disk has too little room, and goes on when space returns", async () => {
    using folder = tempFolder();
    using disk = smallDisk(BYTES);
    const ldb = join(disk.path, "ldb");
    fillLdb(folder.file("source"), { sequence: 42, bytes: BYTES });
    const url = storeSnapshots(folder.file("store"), [makeSnapshot(folder.file("source"))]);
    await using reflector = await bootstrapping({ ledger: away(), folder: ldb, url });
    const stuck = await reflector.reaches("stuck", "ldb_disk_full");
    expect(stuck.reason?.message).toMatch(/are free; .* are needed/);
    expect(generationsIn(ldb)).toBe(1);
    disk.resize(3 * BYTES + BOOTSTRAP_LIMITS.spareDiskBytes);
    await reflector.applies(42n);
    expect(query(ldb, "SELECT count(*) AS n FROM fam___blobs")).toEqual([{ n: Math.ceil(BYTES / 1_000) }]);
  });

  test("keeps what came and takes up from there when the disk fills on the way", async () => {
    using folder = tempFolder();
    using disk = smallDisk(3 * BYTES + BOOTSTRAP_LIMITS.spareDiskBytes);
    const ldb = join(disk.path, "ldb");
    const hog = join(disk.path, "hog");
    fillLdb(folder.file("source"), { sequence: 42, bytes: BYTES });
    const url = storeSnapshots(folder.file("store"), [makeSnapshot(folder.file("source"))]);
    const asked: number[] = [];
    // Somebody else fills the disk when half of it has come.
    const snapshots: SnapshotSource = sourceInProcess(url, (store) => ({
      ...store,
      url: store.url,
      readDocument: store.readDocument.bind(store),
      async readObject(key, range) {
        asked.push(range.fromByte);
        const object = await store.readObject(key, range);
        if (asked.length > 1) return object;
        return object === null
          ? null
          : { ...object, body: fillingAt(object.body, BYTES / 2, () => fill(hog)) };
      },
    }));
    await using reflector = await bootstrapping({ ledger: away(), folder: ldb, url, snapshots });
    await reflector.reaches("stuck", "ldb_disk_full");
    expect(generationsIn(ldb)).toBe(1);
    expect(query(ldb, "SELECT seq FROM _ldb_seq")).toEqual([{ seq: 0 }]);
    rmSync(hog);
    await reflector.applies(42n);
    await until(() => !existsSync(join(ldb, "bootstrap")), { what: "the part removed" });
    expect(asked.at(-1)).toBeGreaterThan(0);
  });
});

async function* fillingAt(
  body: AsyncIterable<Uint8Array>,
  bytes: number,
  action: () => void,
): AsyncGenerator<Uint8Array> {
  let given = 0;
  for await (const chunk of body) {
    if (given < bytes && given + chunk.length >= bytes) action();
    given += chunk.length;
    yield chunk;
  }
}

/** Takes all the room there is. */
function fill(path: string): void {
  for (let bytes = 128 * MIB; bytes >= 4_096; bytes = Math.floor(bytes / 2)) {
    try {
      writeFileSync(path, Buffer.alloc(bytes), { flag: "a" });
    } catch {
      // Too much: half of it may fit.
    }
  }
}
