/** A statement that SQLite refuses: it stops the Reflector before it, and an operator may pass over it (D10, R8). */
import { describe, expect, test } from "bun:test";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { toSequence } from "../../core/sequence.ts";
import { skipStatement } from "../../reflector/skip.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { query, reflect, rowsOf } from "./harness.ts";
import { CREATE_T, MemoryLedger, put } from "./memory-ledger.ts";

const DEPS = { clock: systemClock, logger: silentLogger };
const BAD = `REPLACE INTO fam___tbl ("k","v") VALUES('no integer','x')`;

function skip(ldbFolder: string, sequence: number) {
  return skipStatement(DEPS, { ldbFolder, sequence: toSequence(sequence), reason: "see ticket 12" });
}

describe("a statement that SQLite refuses", () => {
  test("R8 D10 stops the Reflector before it, with sequence, statement and hint, and reads go on", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T, put(1, "a"), put(2, "b"), BAD, put(3, "c"));
    await using reflector = await reflect(ledger, folder.path);
    const status = await reflector.reaches("stuck", "statement_refused");
    expect<bigint>(status.sequence).toBe(3n);
    expect(status.reason?.sequence).toBe(4n);
    expect(status.reason?.message).toContain("entry 4");
    expect(status.reason?.message).toContain("no integer");
    expect(status.reason?.message).toContain("datatype mismatch");
    expect(status.reason?.hint).toContain(`ctlstore ldb skip 4 --ldb ${folder.path}`);
    expect(rowsOf(folder.path)).toEqual(["1=a", "2=b"]);
  });

  test("R8 leaves no trace of its own ledger transaction and all of what came before", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T);
    ledger.appendTransaction(put(1, "a"), put(2, "b"));
    ledger.appendTransaction(put(3, "c"), BAD, put(4, "d"));
    await using reflector = await reflect(ledger, folder.path, { sliceStatements: 2 });
    const status = await reflector.reaches("stuck", "statement_refused");
    expect<bigint>(status.sequence).toBe(5n);
    expect(rowsOf(folder.path)).toEqual(["1=a", "2=b"]);
  });

  test("D10 is not tried again every second", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T, BAD);
    await using reflector = await reflect(ledger, folder.path, {
      slowBackoffMs: { base: 60_000, max: 60_000 },
    });
    await reflector.reaches("stuck", "statement_refused");
    const { polls } = ledger;
    ledger.append(put(1, "a"));
    await new Promise((resolve) => setImmediate(resolve));
    expect(ledger.polls).toBe(polls);
  });

  test("D10 is passed over when an operator said so, with the chain going over it, and shown for ever", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T, put(1, "a"), BAD, put(2, "b"));
    {
      await using reflector = await reflect(ledger, folder.path);
      await reflector.reaches("stuck", "statement_refused");
      expect(() => skip(folder.path, 3)).toThrow(
        expect.objectContaining({
          code: "ldb_locked",
          message: expect.stringContaining(`process ${process.pid}`),
        }),
      );
    }
    expect(skip(folder.path, 3)).toMatchObject({
      ldbSequence: 2n,
      skips: [{ sequence: 3n, statement: null }],
    });
    skip(folder.path, 3);
    for (let start = 0; start < 2; start++) {
      await using reflector = await reflect(ledger, folder.path);
      const status = await reflector.reaches("current");
      expect(status.skips).toMatchObject([{ sequence: 3n, statement: BAD, reason: "see ticket 12" }]);
      expect(rowsOf(folder.path)).toEqual(["1=a", "2=b"]);
    }
    expect(query(folder.path, "SELECT seq, statement FROM _ldb_skips")).toEqual([{ seq: 3, statement: BAD }]);
  });

  test("cannot be passed over when the LDB is past it, or is not there", () => {
    using folder = tempFolder();
    expect(() => skip(folder.path, 1)).toThrow(expect.objectContaining({ code: "ldb_not_found" }));
  });

  test("passing over an entry that the LDB has is refused", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger();
    ledger.append(CREATE_T, put(1, "a"));
    {
      await using reflector = await reflect(ledger, folder.path);
      await reflector.reaches("current");
    }
    expect(() => skip(folder.path, 2)).toThrow(expect.objectContaining({ code: "malformed_request" }));
  });
});
