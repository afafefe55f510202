/** R13: a changelog whose disk is full stops the Reflector as the LDB's own disk does, and misses and doubles nothing. */
import { describe, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { smallDisk, whyNoMounts } from "../../support/mounts.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { reflect } from "../harness.ts";
import { CREATE_T, MemoryLedger, put } from "../memory-ledger.ts";
import { readChangelog } from "./harness.ts";
import { referenceLines } from "./reference.ts";

const KIB = 1024;
const whyNot = await whyNoMounts();
if (whyNot !== null) console.error(`R13 is skipped: ${whyNot}`);

function fillDisk(path: string): void {
  try {
    writeFileSync(path, new Uint8Array(4096 * KIB));
  } catch {
    // It took what there was.
  }
}

/** A transaction of so many lines. */
function change(ledger: MemoryLedger, keys: number): void {
  ledger.appendTransaction(...Array.from({ length: keys }, (_, key) => put(key, `${ledger.head}`)));
}

describe.skipIf(whyNot !== null)("R13 a changelog on a full disk", () => {
  // 50 lines do not fit into the note's pages any more; of 3 the note does, and the end of the file does not.
  for (const { what, keys } of [
    { what: "for its note", keys: 50 },
    { what: "for its lines", keys: 3 },
  ]) {
    test(`D17 keeps the Reflector stuck without room ${what}, and tells every change once when space returns`, async () => {
      using folder = tempFolder("changelog-full");
      using disk = smallDisk(96 * KIB);
      const path = join(disk.path, "change.log");
      const ledger = new MemoryLedger();
      ledger.append(CREATE_T);
      change(ledger, 30);
      const options = { changelog: { path, fileBytes: 8 * KIB, files: 1_000 }, transactionStatements: 1 };
      await using reflector = await reflect(ledger, folder.path, options);
      await reflector.applies(ledger.head);
      const { history } = reflector.status().changelog ?? {};
      for (let round = 0; round < 4; round++) {
        fillDisk(join(disk.path, "hog"));
        for (let i = 0; i < 40; i++) change(ledger, keys);
        const stuck = await reflector.reaches("stuck", "ldb_disk_full");
        expect(stuck.sequence).toBeLessThan(ledger.head);
        expect(stuck.reason?.message).toContain(path);
        rmSync(join(disk.path, "hog"));
        disk.resize((96 + 512 * (round + 1)) * KIB);
        await reflector.applies(ledger.head);
        await reflector.reaches("current");
      }
      expect(reflector.status().changelog?.history).toBe(history ?? "");
      await reflector.stop();
      const found = readChangelog(path);
      expect(new Set(found.histories).size).toBe(1);
      expect(found.lines).toEqual(referenceLines(ledger.entries));
    });
  }

  test("D17 owes its last lines, and appends them when space returns although nothing new comes", async () => {
    using folder = tempFolder("changelog-full");
    using disk = smallDisk(64 * KIB);
    const path = join(disk.path, "change.log");
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T);
    change(ledger, 30);
    const options = { changelog: { path }, transactionStatements: 1 };
    await using reflector = await reflect(ledger, folder.path, options);
    await reflector.reaches("current");
    fillDisk(join(disk.path, "hog"));
    // One after another, until the file's last page is full.
    while (reflector.status().state !== "stuck") {
      change(ledger, 3);
      const { head } = ledger;
      await Promise.race([reflector.applies(head), reflector.reaches("stuck")]);
    }
    const stuck = await reflector.reaches("stuck", "ldb_disk_full");
    expect(stuck.sequence).toBe(ledger.head);
    expect(stuck.changelog?.sequence).toBeLessThan(ledger.head);
    rmSync(join(disk.path, "hog"));
    const current = await reflector.reaches("current");
    expect(current.changelog?.sequence).toBe(ledger.head);
    expect(readChangelog(path).lines).toEqual(referenceLines(ledger.entries));
  });

  test("a Reflector whose changelog cannot be begun does not start", async () => {
    using folder = tempFolder("changelog-full");
    using disk = smallDisk(8 * KIB);
    fillDisk(join(disk.path, "hog"));
    const options = { changelog: { path: join(disk.path, "change.log") } };
    const start = reflect(new MemoryLedger(), folder.path, options);
    const error = await start.then(() => null).catch((caught) => caught);
    expect(error).toMatchObject({ code: "ldb_disk_full" });
  });
});
