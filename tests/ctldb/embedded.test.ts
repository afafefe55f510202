/** What only the embedded ctldb has: one file, several connections and processes on it. */
import { Database } from "bun:sqlite";
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { SEQUENCE_ZERO } from "../../core/sequence.ts";
import { openLedgerSource } from "../../ctldb/open.ts";
import { startProcess } from "../support/process.ts";
import { tempFolder } from "../support/temp-folder.ts";
import {
  bytes,
  count,
  DEPS,
  expectConsistent,
  failureOf,
  open,
  openFilled,
  request,
  SECRET,
  WRITER,
} from "./fixture.ts";

setDefaultTimeout(30_000);

describe("the embedded ctldb", () => {
  test("I3 shows nothing that is not committed when it is read while a group is being written", async () => {
    using folder = tempFolder("ctldb");
    const url = `sqlite:${folder.file("ctl.db")}`;
    await using ctldb = await openFilled(url);
    const seen = new Set<string>();
    for (let round = 0; round < 30; round++) {
      let done = false;
      const writing = ctldb
        .write(
          request([count("a", round)], {
            cookie: bytes(`${round}`),
            checkCookie: bytes(round === 0 ? "" : `${round - 1}`),
          }),
        )
        .finally(() => {
          done = true;
        });
      while (!done) {
        seen.add(new TextDecoder().decode(await ctldb.readCookie(WRITER, SECRET)));
        await ctldb.writers.register(`w-${round}x` as never, SECRET);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await writing;
      // A registration that came in the middle of a group belongs to nobody's transaction.
      expect(await ctldb.readCookie(`w-${round}x` as never, SECRET)).toEqual(new Uint8Array());
    }
    await expectConsistent(url);
  });

  test("R21 leaves the event loop free, and says that it is busy, when another process keeps the lock", async () => {
    using folder = tempFolder("ctldb");
    const url = `sqlite:${folder.file("ctl.db")}`;
    await using ctldb = await openFilled(url, { timeouts: { lockWaitSeconds: 1 } });
    const other = new Database(folder.file("ctl.db"));
    other.run("BEGIN IMMEDIATE");
    const startMs = performance.now();
    let longestMs = 0;
    let lastMs = startMs;
    const ticks = setInterval(() => {
      longestMs = Math.max(longestMs, performance.now() - lastMs);
      lastMs = performance.now();
    }, 5);
    const error = await failureOf(ctldb.write(request([count("a")])));
    clearInterval(ticks);
    expect(error.code).toBe("ctldb_unavailable");
    expect(performance.now() - startMs).toBeGreaterThan(900);
    expect(longestMs).toBeLessThan(500);
    // Reads go on meanwhile.
    expect(await ctldb.readCookie(WRITER, SECRET)).toEqual(new Uint8Array());
    other.run("ROLLBACK");
    other.close();
    await ctldb.write(request([count("a")]));
  });

  test("R30 keeps every acknowledged write, in order, when its process is killed while it writes", async () => {
    using folder = tempFolder("ctldb");
    const url = `sqlite:${folder.file("ctl.db")}`;
    await (await openFilled(url))[Symbol.asyncDispose]();
    let acknowledged = 0;
    for (let round = 0; round < 3; round++) {
      await using child = startProcess([process.execPath, join(import.meta.dir, "embedded-child.ts"), url]);
      await child.waitForOutput(/done \d+/);
      await child.waitForOutput(new RegExp(`done ${acknowledged + 20}\n`));
      await child.kill();
      acknowledged = Number([...child.stdout.matchAll(/done (\d+)\n/g)].at(-1)?.[1]);
      await using ctldb = await open(url);
      const stored = Number(new TextDecoder().decode(await ctldb.readCookie(WRITER, SECRET)));
      // At most the one that was under way is there without having been acknowledged.
      expect(stored - acknowledged).toBeWithin(0, 2);
      acknowledged = stored;
      const { rows } = await expectConsistent(url);
      expect(rows["fam___counts"]?.rows).toHaveLength(stored);
    }
  });

  test("R4 is seen by the ledger source when another file takes its place", async () => {
    using folder = tempFolder("ctldb");
    const url = `sqlite:${folder.file("ctl.db")}`;
    const first = await openFilled(url);
    await using source = openLedgerSource(url, DEPS);
    const before = await source.describe();
    await first.write(request([count("a")]));
    expect((await source.poll(SEQUENCE_ZERO, 10)).entries).toHaveLength(3);
    await first[Symbol.asyncDispose]();
    const other = await openFilled(`sqlite:${folder.file("other.db")}`);
    await other[Symbol.asyncDispose]();
    for (const suffix of ["-wal", "-shm"]) {
      try {
        renameSync(folder.file(`ctl.db${suffix}`), folder.file(`away${suffix}`));
      } catch {
        // The last connection has taken them away.
      }
    }
    renameSync(folder.file("other.db"), folder.file("ctl.db"));
    const after = await source.describe();
    expect(after.epoch).not.toBe(before.epoch);
    expect((await source.poll(SEQUENCE_ZERO, 10)).entries).toHaveLength(2);
  });
});
