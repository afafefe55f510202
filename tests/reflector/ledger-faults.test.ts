/** A ledger that is not what it must be: told apart before anything is applied, with reads going on. */
import { describe, expect, test } from "bun:test";
import { toSequence } from "../../core/sequence.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { reflect, rowsOf } from "./harness.ts";
import { CREATE_T, MemoryLedger, put } from "./memory-ledger.ts";

function threeRows(): MemoryLedger {
  const ledger = new MemoryLedger();
  ledger.append(CREATE_T, put(1, "a"), put(2, "b"), put(3, "c"));
  return ledger;
}

describe("the Reflector", () => {
  test("I14 R7 stops before an entry that was changed in place", async () => {
    using folder = tempFolder();
    const ledger = threeRows();
    ledger.tamper(3, put(2, "changed"));
    await using reflector = await reflect(ledger, folder.path);
    const status = await reflector.reaches("diverged", "ledger_hash_mismatch");
    expect<bigint>(status.sequence).toBe(2n);
    expect(status.reason?.sequence).toBe(3n);
    expect(rowsOf(folder.path)).toEqual(["1=a"]);
    ledger.tamper(3, put(2, "b"));
    await reflector.reaches("current");
    expect(rowsOf(folder.path)).toEqual(["1=a", "2=b", "3=c"]);
  });

  test("I14 R7 stops when the entry that it is at was changed in place", async () => {
    using folder = tempFolder();
    const ledger = threeRows();
    await using reflector = await reflect(ledger, folder.path);
    await reflector.reaches("current");
    const other = new MemoryLedger();
    // As many entries as before: only the comparison at our own sequence can tell.
    other.append(CREATE_T, put(1, "a"), put(2, "b"), put(3, "other"));
    ledger.entries = other.entries;
    await reflector.reaches("diverged", "ledger_hash_mismatch");
    expect(rowsOf(folder.path)).toEqual(["1=a", "2=b", "3=c"]);
  });

  test("R5 refuses another ctldb by its epoch and applies nothing of it", async () => {
    using folder = tempFolder();
    {
      await using reflector = await reflect(threeRows(), folder.path);
      await reflector.reaches("current");
    }
    const other = new MemoryLedger({ epoch: "ffffffffffffffffffffffffffffffff" });
    other.append(CREATE_T, ...Array.from({ length: 9 }, (_, i) => put(i, "wrong")));
    await using reflector = await reflect(other, folder.path);
    const status = await reflector.reaches("diverged", "ledger_epoch_mismatch");
    expect<bigint>(status.sequence).toBe(4n);
    expect(rowsOf(folder.path)).toEqual(["1=a", "2=b", "3=c"]);
  });

  test("R3 waits without a rewind when a replica is further behind", async () => {
    using folder = tempFolder();
    const ledger = threeRows();
    const replica = ledger.restoredAt(2);
    {
      await using reflector = await reflect(ledger, folder.path);
      await reflector.reaches("current");
    }
    await using reflector = await reflect(replica, folder.path);
    const status = await reflector.reaches("stuck", "ledger_behind");
    expect<bigint>(status.sequence).toBe(4n);
    replica.entries = [...ledger.entries];
    await reflector.reaches("current");
    expect(rowsOf(folder.path)).toEqual(["1=a", "2=b", "3=c"]);
  });

  test("R4 never applies on top when a restored ctldb uses sequences again", async () => {
    using folder = tempFolder();
    const ledger = threeRows();
    await using reflector = await reflect(ledger, folder.path);
    await reflector.reaches("current");
    const restored = ledger.restoredAt(2);
    ledger.entries = restored.entries;
    await reflector.reaches("stuck", "ledger_behind");
    restored.append(put(7, "other"), put(8, "other"), put(9, "other"));
    ledger.entries = restored.entries;
    await reflector.reaches("diverged", "ledger_hash_mismatch");
    expect(rowsOf(folder.path)).toEqual(["1=a", "2=b", "3=c"]);
  });

  test("I1 refuses a gap above the takeover", async () => {
    using folder = tempFolder();
    const ledger = threeRows();
    ledger.remove(3);
    await using reflector = await reflect(ledger, folder.path);
    const status = await reflector.reaches("diverged", "ledger_gap");
    expect<bigint>(status.sequence).toBe(2n);
    expect(status.reason?.message).toContain("has no entry 3");
  });

  test("refuses with ledger_too_old when the ledger was pruned beyond the LDB, empty or not", async () => {
    using full = tempFolder();
    using empty = tempFolder();
    const ledger = threeRows();
    {
      await using reflector = await reflect(ledger, full.path);
      await reflector.reaches("current");
    }
    ledger.append(put(4, "d"), put(5, "e"), put(6, "f"));
    ledger.prunedBelow = toSequence(6);
    for (const path of [full.path, empty.path]) {
      await using reflector = await reflect(ledger, path);
      const status = await reflector.reaches("diverged", "ledger_too_old");
      expect(status.reason?.hint).toContain("snapshot");
    }
    expect(rowsOf(full.path)).toEqual(["1=a", "2=b", "3=c"]);
  });

  test("goes on when the ledger was pruned up to its own entry", async () => {
    using folder = tempFolder();
    const ledger = threeRows();
    await using reflector = await reflect(ledger, folder.path);
    await reflector.reaches("current");
    ledger.prunedBelow = toSequence(5);
    await reflector.reaches("current");
    ledger.append(put(4, "d"));
    await reflector.applies(5n);
    expect(rowsOf(folder.path)).toContain("4=d");
  });

  test("refuses a ledger that spans the LDB's sequence and has no such entry", async () => {
    using folder = tempFolder();
    const ledger = threeRows();
    await using reflector = await reflect(ledger, folder.path);
    await reflector.reaches("current");
    ledger.append(put(4, "d"));
    ledger.remove(4);
    await reflector.reaches("diverged", "ledger_hash_mismatch");
  });
});

describe("gaps of the original", () => {
  test("R2 are passed at once at or below the takeover", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger({ takeoverSequence: 9 });
    for (const [sequence, statement] of [
      [2, CREATE_T],
      [5, put(1, "a")],
      [7, put(2, "b")],
    ] as const) {
      ledger.appendAt(BigInt(sequence), statement, false);
    }
    ledger.appendAt(10n, put(3, "c"));
    await using reflector = await reflect(ledger, folder.path, { legacyGapGraceMs: 3_600_000 });
    const status = await reflector.reaches("current");
    expect(status).toMatchObject({
      sequence: 10n,
      legacyGaps: 4,
      unattestedThrough: 7n,
      epoch: ledger.epoch,
    });
  });

  test("D8 R1 a commit that comes later than its successor is never lost", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger({ epoch: null });
    ledger.appendUnattested(CREATE_T, put(1, "a"), put(2, "in flight"), put(3, "c"));
    const inFlight = ledger.entries[2];
    ledger.remove(3);
    await using reflector = await reflect(ledger, folder.path, { legacyGapGraceMs: 3_600_000 });
    const status = await reflector.applies(2n);
    expect<bigint>(status.sequence).toBe(2n);
    expect(status.state).not.toBe("current");
    if (inFlight !== undefined) ledger.entries.splice(2, 0, inFlight);
    await reflector.reaches("current");
    expect(rowsOf(folder.path)).toEqual(["1=a", "2=in flight", "3=c"]);
    expect(reflector.status().legacyGaps).toBe(0);
  });

  test("D8 R2 are passed after the grace period in a ledger that only the original writes, once for all", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger({ epoch: null });
    ledger.appendUnattested(CREATE_T);
    for (let i = 0; i < 40; i++) ledger.appendAt(BigInt(i * 2 + 3), put(i, i), false);
    const started = performance.now();
    await using reflector = await reflect(ledger, folder.path, { legacyGapGraceMs: 150, pollRows: 5 });
    const status = await reflector.reaches("current");
    expect(performance.now() - started).toBeGreaterThan(150);
    expect(performance.now() - started).toBeLessThan(40 * 150);
    expect(status).toMatchObject({ legacyGaps: 40, epoch: null, unattestedThrough: ledger.head });
  });

  test("an LDB of the original's ledger takes on the epoch when that ctldb is upgraded", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger({ epoch: null });
    ledger.appendUnattested(CREATE_T, put(1, "a"));
    await using reflector = await reflect(ledger, folder.path);
    expect((await reflector.reaches("current")).epoch).toBeNull();
    ledger.epoch = "00112233445566778899aabbccddeeff";
    ledger.takeoverSequence = ledger.head;
    ledger.append(put(2, "b"));
    const status = await reflector.applies(3n);
    expect(status).toMatchObject({ epoch: ledger.epoch, unattestedThrough: 2n });
  });

  test("a false history before the takeover is seen at the first hash", async () => {
    using folder = tempFolder();
    const ledger = new MemoryLedger({ takeoverSequence: 2 });
    ledger.appendUnattested(CREATE_T, put(1, "a"));
    ledger.append(put(2, "b"));
    ledger.tamper(2, put(1, "changed"));
    await using reflector = await reflect(ledger, folder.path);
    const status = await reflector.reaches("diverged", "ledger_hash_mismatch");
    expect(status.reason?.sequence).toBe(3n);
    expect(status.epoch).toBeNull();
  });
});
