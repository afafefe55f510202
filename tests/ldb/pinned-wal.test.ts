/** Readers that keep the write-ahead log from being cut, and those that cannot (I13, D19, R14, R15). */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { REFLECTOR_LIMITS } from "../../core/limits.ts";
import { WritableDatabase } from "../../ldb/writable-database.ts";
import { openReader } from "../../reader/index.ts";
import { reflect, type TestReflector } from "../reflector/harness.ts";
import { CREATE_T, MemoryLedger, put } from "../reflector/memory-ledger.ts";
import { runProcess } from "../support/process.ts";
import { ROOT } from "../support/services.ts";
import { isDeep, runsOf, timeoutMsOf } from "../support/suite.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { fillDatabase, idleReader } from "./generation-world.ts";
import { startHotReaders } from "./hot-readers.ts";

const KIB = 1024;
const SMALL = {
  walCheckpointBytes: 64 * KIB,
  walCapBytes: 512 * KIB,
  transactionStatements: 20,
  walInsist: { waitMs: 20, everyMs: 50 },
};
/** Reached within a minute of a pinned log also on a machine of two cores with 32 readers at full speed. */
const LARGE = {
  walCheckpointBytes: 2 * 1024 * KIB,
  walCapBytes: 8 * 1024 * KIB,
  walInsist: REFLECTOR_LIMITS.walInsist,
};
/** One block of the ledger may add its pages on top of the cap before anybody can checkpoint. */
const MARGIN_BYTES = 1024 * KIB;
const NEW_PIDS = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
const MAY_UNSHARE = (await runProcess([...NEW_PIDS, "true"]).catch(() => null))?.code === 0;

if (!MAY_UNSHARE) console.log("the test of another pid namespace is skipped: no right to make one");

/** Appends entries and waits for each group, until a condition; says how long the longest took to be applied. */
async function write(
  { ledger, reflector }: { ledger: MemoryLedger; reflector: TestReflector },
  isOver: () => boolean,
): Promise<number> {
  let slowestMs = 0;
  for (let i = 0; !isOver(); i++) {
    const from = performance.now();
    ledger.append(
      ...Array.from({ length: 50 }, (_, k) => put((i * 50 + k) % 2_000, `${i} ${"x".repeat(170)}`)),
    );
    await reflector.applies(ledger.head);
    slowestMs = Math.max(slowestMs, performance.now() - from);
  }
  return slowestMs;
}

describe("the write-ahead log", () => {
  test(
    "R14 D19 keeps its cap under hot readers, and names the one that pins it until that has gone",
    async () => {
      using folder = tempFolder();
      const ledger = new MemoryLedger();
      ledger.append(CREATE_T, put(1, "first"));
      const options = isDeep ? LARGE : SMALL;
      const { walCapBytes } = options;
      await using reflector = await reflect(ledger, folder.path, options);
      await reflector.reaches("current");
      await using readers = await startHotReaders(
        runsOf({ quick: 3, deep: 32 }),
        folder.path,
        isDeep ? 5 : undefined,
      );
      const both = { ledger, reflector };
      const walBytes = () => reflector.status().ldb.walBytes;
      const blockedBy = () => reflector.status().ldb.walBlockedBy;
      let largest = 0;
      const calmUntilMs = performance.now() + runsOf({ quick: 500, deep: 20_000 });
      const calmMs = await write(both, () => {
        largest = Math.max(largest, walBytes());
        return performance.now() > calmUntilMs;
      });
      expect(largest).toBeLessThan(walCapBytes + MARGIN_BYTES);

      await using pinning = await idleReader(folder.file("ldb.db"), { pins: true });
      const pinnedUntilMs = performance.now() + runsOf({ quick: 300, deep: 60_000 });
      // A reader that the machine left standing twice within a read may be named before it.
      const slowestMs = await write(
        both,
        () => performance.now() > pinnedUntilMs && blockedBy()?.pid === pinning.pid,
      );
      expect(blockedBy()).toEqual({ pid: pinning.pid, command: expect.stringMatching(/^bun|^Bun/) });
      // An insisting checkpoint waits for readers 100 ms at most; a busy machine does the rest.
      expect(slowestMs).toBeLessThan(2_000 + 5 * calmMs);
      await pinning.kill();
      await write(both, () => blockedBy() === null && walBytes() < walCapBytes);
      for (const report of await readers.stop()) {
        expect(report.failure).toBeNull();
        expect(report.reads).toBeGreaterThan(100);
      }
    },
    timeoutMsOf({ quick: 30_000, deep: 240_000 }),
  );

  test.skipIf(!MAY_UNSHARE)(
    "R14 is said to be held from outside when whoever pins it is in another pid namespace",
    async () => {
      using folder = tempFolder();
      fillDatabase(folder.file("ldb.db"), 1, "1");
      await using pinning = await idleReader(folder.file("ldb.db"), { pins: true });
      const program = `import { WalReaders } from ${JSON.stringify(join(ROOT, "ldb", "wal-readers.ts"))};
      const readers = new WalReaders(process.argv.at(-1));
      readers.wasHeld(1);
      console.log(JSON.stringify(readers.oldest));
      readers.wasHeld(2);
      console.log(JSON.stringify(readers.oldest));`;
      const look = async (wrapper: readonly string[]) => {
        const command = [...wrapper, process.execPath, "-e", program, folder.file("ldb.db")];
        return (await runProcess(command)).stdout
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line));
      };
      expect(await look([])).toEqual([null, { pid: pinning.pid, command: expect.any(String) }]);
      const outside = { pid: null, command: "a process outside this pid namespace" };
      expect(await look(NEW_PIDS)).toEqual([null, outside]);
    },
  );

  test("R15 is not pinned by rows of a prefix read that were not all taken, nor by a snapshot that threw", () => {
    using folder = tempFolder();
    fillDatabase(folder.file("ldb.db"), 1, "1");
    using database = WritableDatabase.open(folder.file("ldb.db"));
    for (let k = 2; k < 100; k++) database.run("INSERT INTO fam___tbl VALUES (?, 'x')", k);
    using reader = openReader({ path: folder.path });
    const rows = reader.getRowsByKeyPrefix("fam", "tbl");
    expect(rows.next().value).toEqual({ k: 1, v: "1" });
    expect(() =>
      reader.snapshot((reads) => {
        reads.getRowByKey("fam", "tbl", 1);
        throw new Error("of the caller");
      }),
    ).toThrow("of the caller");
    database.run("UPDATE fam___tbl SET v = 'y'");
    expect(database.checkpoint("TRUNCATE", 0)).toMatchObject({ blocked: false, frames: 0 });
    // What was begun goes on from the state that it was read from.
    expect(rows.next().value).toEqual({ k: 2, v: "x" });
  });
});
