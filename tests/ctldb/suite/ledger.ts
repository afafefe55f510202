/** What a write leaves in the ledger. */
import { describe, expect, test } from "bun:test";
import type { ConformanceTarget } from "../conformance.ts";
import {
  count,
  expectConsistent,
  FAMILY,
  failureOf,
  open,
  openFilled,
  remove,
  request,
  SECRET,
  statementsAfter,
  upsert,
  WRITER,
} from "../fixture.ts";

export function ledgerTests(target: ConformanceTarget): void {
  describe("the ledger", () => {
    test("I1 continues by exactly one per statement when writes of all kinds follow one another", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const before = (await ctldb.status()).headSequence;
      const single = await ctldb.write(request([count("a", 1)]));
      const batch = await ctldb.write(
        request([count("b", 2), count("c", 3), remove("counts", { name: "a" })]),
      );
      const empty = await ctldb.write(request([], { family: null, cookie: new Uint8Array([1]) }));
      expect(single.sequence).toBe((before + 1n) as never);
      expect(batch.sequence).toBe((before + 1n + 5n) as never);
      expect(empty.sequence).toBe(batch.sequence);
      expect((await ctldb.status()).headSequence).toBe(batch.sequence);
      const { rows } = await expectConsistent(url);
      expect(rows["fam___counts"]?.rows).toEqual(['text "b"|integer 2', 'text "c"|integer 3']);
    });

    test("I6 I7 fences two and more mutations, and not one alone, when they are written", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const { headSequence } = await ctldb.status();
      await ctldb.write(request([count("it's; --", 1)]));
      await ctldb.write(request([count("a", -5), remove("counts", { name: "it's; --" })]));
      expect(await statementsAfter(url, headSequence)).toEqual([
        `REPLACE INTO fam___counts ("name","count") VALUES('it''s; --',1)`,
        "--- BEGIN",
        `REPLACE INTO fam___counts ("name","count") VALUES('a',-5)`,
        `DELETE FROM fam___counts WHERE "name" = 'it''s; --'`,
        "--- COMMIT",
      ]);
      await expectConsistent(url);
    });

    test("carries family, table, writer and one timestamp per transaction when a batch is written", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const beforeUs = Date.now() * 1000 - 2_000;
      const { sequence } = await ctldb.write(request([count("a"), count("b")]));
      const { entries } = await expectConsistent(url);
      const batch = entries.filter((entry) => entry.sequence > sequence - 4n);
      expect(new Set(batch.map((entry) => entry.timestampUs)).size).toBe(1);
      expect(batch[0]?.timestampUs).toBeGreaterThanOrEqual(beforeUs);
      expect(batch[0]?.timestampUs).toBeLessThanOrEqual(Date.now() * 1000 + 2_000);
    });

    test("I14 goes on with the chain, and keeps its epoch, when it is closed and opened again", async () => {
      const url = await target.createDatabase();
      const first = await openFilled(url);
      await first.write(request([count("a")]));
      const { epoch } = await first.status();
      await first[Symbol.asyncDispose]();
      await using second = await open(url);
      await second.write(request([count("b")]));
      expect((await second.status()).epoch).toBe(epoch);
      const { description } = await expectConsistent(url);
      expect(description.epoch).toBe(epoch);
    });

    test("I14 begins with another epoch and origin when another ctldb is made", async () => {
      const urls = [await target.createDatabase(), await target.createDatabase()] as const;
      const described = [];
      for (const url of urls) {
        await using _ctldb = await openFilled(url);
        described.push((await expectConsistent(url)).description);
      }
      expect(described[0]?.epoch).not.toBe(described[1]?.epoch ?? "");
      expect(described[0]?.origin).not.toEqual(described[1]?.origin ?? new Uint8Array());
    });

    test("moves no sequence when two starts at once make the tables", async () => {
      const url = await target.createDatabase();
      await using first = await open(url);
      const [second, third] = await Promise.all([open(url), open(url)]);
      await using _second = second;
      await using _third = third;
      const epochs = await Promise.all(
        [first, second, third].map(async (ctldb) => (await ctldb.status()).epoch),
      );
      expect(new Set(epochs).size).toBe(1);
      expect((await first.status()).headSequence).toBe(0n as never);
    });

    test("has one epoch when several processes' first starts meet on an empty database", async () => {
      const url = await target.createDatabase();
      const all = await Promise.all([open(url), open(url), open(url)]);
      const epochs = await Promise.all(all.map(async (ctldb) => (await ctldb.status()).epoch));
      for (const ctldb of all) await ctldb[Symbol.asyncDispose]();
      expect(new Set(epochs).size).toBe(1);
    });

    test("tells what it is when its status is asked", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const status = await ctldb.status();
      expect(ctldb.kind).toBe(target.kind);
      expect(status.kind).toBe(target.kind);
      expect(status.server).toMatch(target.server);
      expect(status.epoch).toMatch(/^[0-9a-f]{32}$/);
      expect(status.headSequence).toBe(2n as never);
    });

    test("I8 ends with the rows of a replay when rows are replaced, deleted and written again", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      for (let round = 0; round < 3; round++) {
        const mutations = Array.from({ length: 40 }, (_, i) =>
          (i + round) % 3 === 0 ? remove("counts", { name: `n${i % 11}` }) : count(`n${i % 11}`, i * round),
        );
        await ctldb.write(request(mutations));
        await ctldb.write(request([upsert("all_types", { k1: `r${round}`, k2: round, d: round / 3 })]));
      }
      const { rows } = await expectConsistent(url);
      expect(rows["fam___all_types"]?.rows).toHaveLength(3);
    });

    test("refuses further writes, and lets the queued ones finish, when it is closed", async () => {
      const url = await target.createDatabase();
      const ctldb = await openFilled(url);
      const writes = Array.from({ length: 10 }, (_, i) => ctldb.write(request([count(`n${i}`)])));
      const closing = Promise.all(writes.slice(0, 1)).then(() => ctldb[Symbol.asyncDispose]());
      await Promise.allSettled(writes);
      await closing;
      await expect(
        ctldb.write({ ...request([count("late")]), writer: WRITER, secret: SECRET }),
      ).rejects.toThrow(/stopping/);
      const late = [
        () => ctldb.status(),
        () => ctldb.catalog(),
        () => ctldb.createFamily(FAMILY),
        () => ctldb.writers.register(WRITER, SECRET),
        () => ctldb.readCookie(WRITER, SECRET),
      ];
      for (const call of late) expect((await failureOf(call())).code).toBe("ctldb_unavailable");
      await ctldb[Symbol.asyncDispose]();
      await expectConsistent(url);
    });
  });
}
