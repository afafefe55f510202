/**
 * Power loss, on an ext4 whose unwritten blocks are thrown away (R12): an LDB is whole afterwards, at the sequence that
 * its rows have, and goes on from there; the pointer never names a generation that is not whole (R17).
 */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { currentLdb } from "../../ldb/generations.ts";
import { query, reflect } from "../reflector/harness.ts";
import { randomLedger } from "../reflector/random-ledger.ts";
import { dumpSqliteDatabase } from "../support/dump-rows.ts";
import { type PowerDisk, powerDisk, whyNoPowerDisk } from "../support/mounts.ts";
import { startProcess, type TestProcess } from "../support/process.ts";
import { runsOf, seededRandom, suiteSeed } from "../support/suite.ts";
import { until } from "../support/until.ts";

const TIMEOUT_MS = 300_000;
const STATEMENTS = 6_000;
const noDisk = await whyNoPowerDisk();
if (noDisk !== null) console.log(`tests of power loss are skipped: ${noDisk}`);

/** Cuts the power under a process that writes; a call that is on its way to the disk must not be told that it arrived. */
async function cutPowerUnder(disk: PowerDisk, writer: TestProcess): Promise<void> {
  writer.signal("SIGSTOP");
  await until(() => /^State:\s+T/m.test(readFileSync(`/proc/${writer.pid}/status`, "utf8")), {
    what: "the writer to stand still",
  });
  disk.cutPower();
  await writer.kill();
  disk.restore();
}

/** The rows of a ledger's first entries, run one by one. */
function replay(ledger: ReturnType<typeof randomLedger>, sequence: bigint): unknown {
  using database = new Database(":memory:", { safeIntegers: true });
  for (const { sequence: at, statement } of ledger.entries) {
    if (at <= sequence && !statement.startsWith("---")) database.run(statement);
  }
  return dumpSqliteDatabase(database);
}

function rowsIn(folder: string): unknown {
  using database = new Database(join(folder, "ldb.db"), { readonly: true, safeIntegers: true });
  return dumpSqliteDatabase(database);
}

function sequenceIn(folder: string): bigint {
  return BigInt(query<{ seq: number }>(folder, "SELECT seq FROM _ldb_seq")[0]?.seq ?? -1);
}

describe.skipIf(noDisk !== null)("an LDB whose machine loses its power", () => {
  test(
    "R12 is at an earlier committed state of the ledger, and its Reflector comes to the end from there",
    async () => {
      const random = seededRandom(suiteSeed());
      for (let run = 0; run < runsOf({ quick: 2, deep: 20 }); run++) {
        using disk = powerDisk();
        const ledger = randomLedger(suiteSeed() + run, STATEMENTS);
        const folder = join(disk.path, "ldb");
        const child = join(import.meta.dir, "..", "reflector", "kill-child.ts");
        const args = [folder, String(suiteSeed() + run), String(STATEMENTS), "none", "0"];
        await using writer = startProcess([process.execPath, child, ...args]);
        const goal = BigInt(Math.floor(200 + random() * (STATEMENTS - 1_000)));
        const reached = await until(
          () => {
            const sequence = sequenceIn(folder);
            return sequence > goal ? sequence : null;
          },
          { what: `sequence ${goal}: ${writer.stderr}`, intervalMs: 1 },
        );
        await cutPowerUnder(disk, writer);
        const what = `run ${run} of seed ${suiteSeed()}, at ${reached}`;
        expect(query(folder, "PRAGMA integrity_check"), what).toEqual([{ integrity_check: "ok" }]);
        expect(rowsIn(folder), what).toEqual(replay(ledger, sequenceIn(folder)));
        await using reflector = await reflect(ledger, folder);
        await reflector.applies(ledger.head);
        expect(rowsIn(folder), what).toEqual(replay(ledger, ledger.head));
      }
    },
    TIMEOUT_MS,
  );

  test(
    "R12 R17 names a whole generation when the power goes at any moment around a flip",
    async () => {
      const random = seededRandom(suiteSeed());
      for (let run = 0; run < runsOf({ quick: 2, deep: 20 }); run++) {
        using disk = powerDisk();
        const folder = join(disk.path, "ldb");
        await using writer = startProcess([
          process.execPath,
          join(import.meta.dir, "steady-writer.ts"),
          folder,
        ]);
        await writer.waitForOutput(/ready/);
        for (let flip = 1; flip <= 2; flip++) {
          writer.signal("SIGUSR1");
          await writer.waitForOutput(new RegExp(`flipped ${flip} `));
        }
        writer.signal("SIGUSR1");
        const moment = performance.now() + random() * 40;
        await until(() => performance.now() >= moment, { what: "the moment", intervalMs: 1 });
        await cutPowerUnder(disk, writer);
        const what = `run ${run} of seed ${suiteSeed()}`;
        expect(currentLdb(folder).kind, what).toBe("generation");
        expect(query(folder, "PRAGMA integrity_check"), what).toEqual([{ integrity_check: "ok" }]);
        const sequence = String(sequenceIn(folder));
        // The snapshot that the second flip was made of was on the disk before the link was.
        const [, , flippedAt = "0"] = /flipped (2) (\d+)/.exec(writer.stdout) ?? [];
        expect(BigInt(sequence) >= BigInt(flippedAt), what).toBe(true);
        expect(query(folder, "SELECT v FROM fam___tbl ORDER BY k"), what).toEqual([
          { v: sequence },
          { v: sequence },
        ]);
      }
    },
    TIMEOUT_MS,
  );
});
