/** The ledger as a Reflector reads it. */
import { describe, expect, test } from "bun:test";
import { SEQUENCE_ZERO, toSequence } from "../../../core/sequence.ts";
import { openLedgerSource } from "../../../ctldb/open.ts";
import type { ConformanceTarget } from "../conformance.ts";
import { count, DEPS, failureOf, openFilled, request, upsert } from "../fixture.ts";

export function ledgerSourceTests(target: ConformanceTarget): void {
  describe("the ledger source", () => {
    test("gives blocks of at most the limit, and says when there is more", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      await ctldb.write(request(Array.from({ length: 20 }, (_, i) => count(`n${i}`))));
      await using source = openLedgerSource(url, DEPS);
      const { headSequence } = await source.describe();
      expect(headSequence).toBe(24n as never);
      for (const limit of [1, 2, 3, 7, 23, 24, 25, 1_000]) {
        let after = SEQUENCE_ZERO;
        const sequences: bigint[] = [];
        for (;;) {
          const block = await source.poll(after, limit);
          expect(block.entries.length).toBeLessThanOrEqual(limit);
          expect(block.anchor?.sequence ?? SEQUENCE_ZERO).toBe(after);
          expect({ limit, after, more: block.more }).toEqual({
            limit,
            after,
            more: BigInt(after) + BigInt(block.entries.length) < 24n,
          });
          sequences.push(...block.entries.map((entry) => entry.sequence));
          after = block.entries.at(-1)?.sequence ?? after;
          if (!block.more) break;
        }
        expect(sequences).toEqual(Array.from({ length: 24 }, (_, i) => BigInt(i + 1)));
      }
    });

    test("gives the entry at the sequence asked after, and nothing else, when it is at the head", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const { sequence } = await ctldb.write(request([count("a")]));
      await using source = openLedgerSource(url, DEPS);
      const head = await source.poll(sequence, 10);
      expect(head.anchor?.sequence).toBe(sequence);
      expect(head.anchor?.hash).toHaveLength(32);
      expect([head.entries.length, head.more]).toEqual([0, false]);
      const beyond = await source.poll(toSequence(sequence + 5n), 10);
      expect(beyond).toEqual({ anchor: null, entries: [], more: false });
      const next = await ctldb.write(request([count("b")]));
      expect((await source.poll(sequence, 10)).entries.map((entry) => entry.sequence)).toEqual([
        next.sequence,
      ]);
    });

    test("gives fewer entries than asked for when they are large, and all of them in the end", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      for (let k2 = 0; k2 < 30; k2++) {
        await ctldb.write(request([upsert("all_types", { k1: "a", k2, t: "x".repeat(400_000) })]));
      }
      await using source = openLedgerSource(url, DEPS);
      let after = SEQUENCE_ZERO;
      let entries = 0;
      let blocks = 0;
      for (;;) {
        const block = await source.poll(after, 10_000);
        entries += block.entries.length;
        blocks += 1;
        after = block.entries.at(-1)?.sequence ?? after;
        if (!block.more) break;
      }
      expect(entries).toBe(32);
      if (target.kind === "sqlite") expect(blocks).toBeGreaterThan(1);
      // Having seen them, it asks for fewer.
      expect((await source.poll(SEQUENCE_ZERO, 10_000)).entries.length).toBeLessThan(32);
    });

    test("says that the ctldb is away, not that all is well, when it is not initialised yet", async () => {
      const url = await target.createDatabase();
      await using source = openLedgerSource(url, DEPS);
      expect((await failureOf(source.describe())).code).toBe("ctldb_unavailable");
      expect((await failureOf(source.poll(SEQUENCE_ZERO, 10))).code).toBe("ctldb_unavailable");
      await using _ctldb = await openFilled(url);
      expect((await source.describe()).headSequence).toBe(2n as never);
      expect((await source.poll(SEQUENCE_ZERO, 10)).entries).toHaveLength(2);
    });

    test("ends with the signal's reason when it is aborted before", async () => {
      const url = await target.createDatabase();
      await using _ctldb = await openFilled(url);
      await using source = openLedgerSource(url, DEPS);
      const reason = new Error("asked to stop");
      const signal = AbortSignal.abort(reason);
      await expect(source.poll(SEQUENCE_ZERO, 10, signal)).rejects.toBe(reason);
      await expect(source.describe(signal)).rejects.toBe(reason);
      expect((await source.poll(SEQUENCE_ZERO, 10)).entries).toHaveLength(2);
    });
  });
}
