/** Looking at the ledger: pages in both directions, filters, waiting for more, and the history of keys. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { describeStatement } from "../../../core/ledger/statements.ts";
import { INSPECTION_LIMITS } from "../../../core/limits.ts";
import type { FamilyName, FieldName, TableName } from "../../../core/names.ts";
import { parseFamilyName, parseTableName, splitLdbTableName } from "../../../core/names.ts";
import type { TableSchema } from "../../../core/schema.ts";
import { SEQUENCE_ZERO, type Sequence, toSequence } from "../../../core/sequence.ts";
import type { SqlValue } from "../../../core/values.ts";
import type { CtlDb, Mutation } from "../../../ctldb/contract.ts";
import type { EntriesRequest, InspectedEntry, KeyChange } from "../../../ctldb/inspection/contract.ts";
import { readWholeLedger } from "../../support/replay-ledger.ts";
import { runsOf, seededRandom, suiteSeed } from "../../support/suite.ts";
import type { ConformanceTarget } from "../conformance.ts";
import {
  ALL_TYPES,
  COUNTS,
  count,
  FAMILY,
  failureOf,
  open,
  openFilled,
  remove,
  request,
  table,
  upsert,
  WRITER,
} from "../fixture.ts";

type Filter = Pick<EntriesRequest, "family" | "table" | "full">;

/** All pages, up or down, with every entry once. */
async function allEntries(
  ctldb: CtlDb,
  direction: "up" | "down",
  limit: number,
  filter: Filter = {},
): Promise<InspectedEntry[]> {
  const found: InspectedEntry[] = [];
  let from: EntriesRequest["from"] = direction === "up" ? { after: SEQUENCE_ZERO } : { before: null };
  for (;;) {
    const page = await ctldb.inspection.entries({ from, limit, ...filter });
    expect(page.entries.length).toBeLessThanOrEqual(limit);
    found.push(...page.entries);
    if (page.next === (direction === "up" ? page.head : page.first)) return found;
    from = direction === "up" ? { after: page.next } : { before: page.next };
  }
}

/** All pages of a key's history. */
async function wholeHistory(
  ctldb: CtlDb,
  schema: TableSchema,
  key: readonly SqlValue[],
  limit = 100,
): Promise<KeyChange[]> {
  const changes: KeyChange[] = [];
  let before: Sequence | null = null;
  do {
    const page = await ctldb.inspection.history({
      family: schema.family,
      table: schema.table,
      key,
      before,
      limit,
    });
    expect(page.changes.length).toBeLessThanOrEqual(limit);
    expect(page.key).toEqual(key);
    changes.push(...page.changes);
    before = page.next;
  } while (before !== null);
  return changes;
}

const kindsOf = (changes: readonly KeyChange[]) => changes.map(({ kind }) => kind);
const countsOf = (changes: readonly KeyChange[]) =>
  changes.map(({ kind, old, new: now }) => [
    kind,
    old === undefined ? "?" : (old?.["count"] ?? null),
    now?.["count"] ?? null,
  ]);

/** Makes every entry so far one of the original's: without the columns of ours. */
async function makeLegacy(target: ConformanceTarget, url: string): Promise<void> {
  await target.sql(
    url,
    `UPDATE ctlstore_dml_ledger SET timestamp_us = NULL, hash = NULL, family_name = NULL, table_name = NULL, writer = NULL`,
  );
}

/** Of an empty ledger. */
async function expectNone(url: string): Promise<void> {
  await using ctldb = await open(url);
  for (const from of [{ after: SEQUENCE_ZERO }, { before: null }]) {
    const page = await ctldb.inspection.entries({ from, limit: 10 });
    expect(page as object).toEqual({ entries: [], next: 0n, head: 0n, first: 0n });
  }
}

export function inspectionTests(target: ConformanceTarget): void {
  describe("entries of the ledger", () => {
    test("are all there, once, with what is known of them, whatever the direction and the page's size", async () => {
      const url = await target.createDatabase();
      await expectNone(url);
      await using ctldb = await openFilled(url);
      await ctldb.write(request([count("a", 1)]));
      await ctldb.write(
        request([count("b", 2), remove("counts", { name: "a" }), upsert("all_types", { k1: "x", k2: 1 })]),
      );
      await ctldb.clearRows(FAMILY, COUNTS.table);
      const { entries } = await readWholeLedger(url);
      const expected = entries.map(({ sequence, timestampUs, statement, hash }) => {
        const { kind, table: named } = describeStatement(statement);
        const place = named === null ? null : splitLdbTableName(named);
        return {
          sequence,
          timestampUs,
          statement,
          kind,
          hash: hash === null ? null : Buffer.from(hash).toString("hex"),
          family: place?.family ?? null,
          table: place?.table ?? null,
          writer: ["create", "clear"].includes(kind) ? null : WRITER,
          isCut: false,
        };
      });
      expect(expected.length).toBe(9);
      const shown = (found: readonly InspectedEntry[]) =>
        found.map((entry) => ({
          ...entry,
          hash: entry.hash === null ? null : Buffer.from(entry.hash).toString("hex"),
        }));
      for (const limit of [1, 2, 4, 9, 1000]) {
        expect(shown(await allEntries(ctldb, "up", limit))).toEqual(expected);
        expect(shown(await allEntries(ctldb, "down", limit))).toEqual(expected.toReversed());
      }
    });

    test("are those of a family or table alone when that is asked for, also those of the original", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const other = parseFamilyName("fam2");
      await ctldb.createFamily(other);
      const lookalike = table("counts_two", { fields: [["name", "string"]], keyFields: ["name"] });
      await ctldb.createTables([
        lookalike,
        table("counts", { fields: [["name", "string"]], keyFields: ["name"] }, other),
      ]);
      await ctldb.write(request([count("a"), upsert("counts_two", { name: "fam___counts" }), count("b")]));
      await ctldb.write(request([upsert("counts", { name: "fam___counts (" })], { family: other }));
      const look = async () => {
        const of = async (family: FamilyName, name?: TableName) =>
          (
            await allEntries(ctldb, "down", 2, { family, ...(name === undefined ? {} : { table: name }) })
          ).map(({ kind, table: found }) => `${kind} ${found}`);
        return [
          await of(FAMILY, COUNTS.table),
          await of(FAMILY, lookalike.table),
          await of(other),
          await of(FAMILY),
        ];
      };
      const expected = [
        ["upsert counts", "upsert counts", "create counts"],
        ["upsert counts_two", "create counts_two"],
        ["upsert counts", "create counts"],
        [
          "upsert counts",
          "upsert counts_two",
          "upsert counts",
          "create counts_two",
          "create counts",
          "create all_types",
        ],
      ];
      expect(await look()).toEqual(expected);
      await makeLegacy(target, url);
      expect(await look()).toEqual(expected);
      const [newest] = await allEntries(ctldb, "down", 1);
      expect(newest).toMatchObject({ writer: null, hash: null, family: other, table: "counts" });
      expect((newest?.timestampUs ?? 1) % 1_000_000).toBe(0);
      expect(newest?.timestampUs).toBeGreaterThan(1_600_000_000_000_000);
    });

    test("end and begin where the ledger does, whatever the position asked for, and over gaps of any width", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      for (let i = 0; i < 8; i++) await ctldb.write(request([count(`n${i}`)]));
      await target.sql(url, "DELETE FROM ctlstore_dml_ledger WHERE seq IN (1, 2, 5, 6)");
      await target.sql(url, "UPDATE ctlstore_dml_ledger SET seq = 3000000000000000000 WHERE seq = 10");
      const there = [3n, 4n, 7n, 8n, 9n, 3_000_000_000_000_000_000n];
      for (const limit of [1, 2, 100]) {
        expect((await allEntries(ctldb, "up", limit)).map(({ sequence }) => sequence as bigint)).toEqual(
          there,
        );
        expect((await allEntries(ctldb, "down", limit)).map(({ sequence }) => sequence as bigint)).toEqual(
          there.toReversed(),
        );
        const ofTable = { family: FAMILY, table: COUNTS.table };
        expect((await allEntries(ctldb, "down", limit, ofTable)).length).toBe(6);
      }
      const at = async (from: EntriesRequest["from"]) => {
        const { entries, next, head, first } = await ctldb.inspection.entries({ from, limit: 100 });
        expect([first as bigint, head as bigint]).toEqual([3n, there.at(-1) ?? 0n]);
        return [entries.length, next as bigint];
      };
      expect(await at({ after: toSequence(2n ** 63n - 1n) })).toEqual([0, 2n ** 63n - 1n]);
      expect(await at({ after: toSequence(3_000_000_000_000_000_000n) })).toEqual([
        0,
        3_000_000_000_000_000_000n,
      ]);
      expect(await at({ after: toSequence(5) })).toEqual([4, 3_000_000_000_000_000_000n]);
      expect(await at({ before: toSequence(0) })).toEqual([0, 0n]);
      expect(await at({ before: toSequence(3) })).toEqual([0, 3n]);
      expect(await at({ before: toSequence(4) })).toEqual([1, 3n]);
      expect(await at({ before: toSequence(2n ** 63n - 1n) })).toEqual([6, 3n]);
    });

    test("I13 have long statements cut between characters, or in full and in pages of bounded size", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const { headSequence } = await ctldb.status();
      const long = "😀é".repeat(80_000);
      for (let i = 0; i < 8; i++)
        await ctldb.write(request([upsert("all_types", { k1: "a", k2: i, t: long })]));
      const from = { after: headSequence };
      const cut = await ctldb.inspection.entries({ from, limit: 100 });
      expect(cut.entries.length).toBe(8);
      for (const { statement, isCut, kind } of cut.entries) {
        expect([kind, isCut, [...statement].length, statement.isWellFormed()]).toEqual([
          "upsert",
          true,
          2_000,
          true,
        ]);
      }
      const full = await ctldb.inspection.entries({ from, limit: 100, full: true });
      expect(full.entries.map(({ isCut }) => isCut)).toEqual(full.entries.map(() => false));
      expect(full.entries[0]?.statement).toContain(long);
      // Of 8 x 240,000 UTF-16 units, and the same up to where the page ended.
      expect(full.next).toBe(full.entries.at(-1)?.sequence ?? SEQUENCE_ZERO);
      expect((await allEntries(ctldb, "down", 100, { full: true })).length).toBe(10);
    });
  });

  describe("waiting for the ledger", () => {
    const never = new AbortController().signal;

    test("I13 ends at once with an own write and soon with somebody else's, and is refused when too many wait", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      await using other = await open(url);
      for (const writing of [ctldb, other]) {
        const { head } = await ctldb.inspection.entries({ from: { before: null }, limit: 1 });
        let woken = 0;
        const waits = Array.from({ length: 20 }, () =>
          ctldb.inspection.untilAfter(head, 30_000, never).then(() => {
            woken += 1;
          }),
        );
        await writing.write(request([count("a")]));
        await Promise.all(waits);
        expect(woken).toBe(20);
        // It is there already.
        await ctldb.inspection.untilAfter(head, 30_000, never);
      }
      const { headSequence } = await ctldb.status();
      const wait = () => ctldb.inspection.untilAfter(headSequence, 30_000, never);
      const waits = Array.from({ length: INSPECTION_LIMITS.waiters }, wait);
      expect((await failureOf(wait())).code).toBe("overloaded");
      await ctldb.write(request([count("a")]));
      await Promise.all(waits);
    });

    test("ends when its time is up, when its client goes, and when the ctldb is closed", async () => {
      const ctldb = await openFilled(await target.createDatabase());
      const { headSequence } = await ctldb.status();
      await ctldb.inspection.untilAfter(headSequence, 20, never);
      await ctldb.inspection.untilAfter(headSequence, 30_000, AbortSignal.abort());
      const client = new AbortController();
      const going = ctldb.inspection.untilAfter(headSequence, 30_000, client.signal);
      client.abort();
      await going;
      const closed = ctldb.inspection.untilAfter(headSequence, 30_000, never);
      await ctldb[Symbol.asyncDispose]();
      await closed;
      expect((await failureOf(ctldb.inspection.untilAfter(headSequence, 1, never))).code).toBe(
        "ctldb_unavailable",
      );
      expect((await failureOf(ctldb.inspection.entries({ from: { before: null }, limit: 1 }))).code).toBe(
        "ctldb_unavailable",
      );
    });
  });

  describe("the history of a key", () => {
    test("has who, when, what was before and after, and the end of each batch, of whatever happened to the key", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      await ctldb.write(request([count("a", 1)]));
      const batch = await ctldb.write(
        request([count("b", 9), count("a", 2), count("c", 9), remove("counts", { name: "a" })]),
      );
      await ctldb.write(request([count("b", 3)]));
      await ctldb.addFields(FAMILY, COUNTS.table, [{ name: "order" as FieldName, type: "text" }]);
      await ctldb.write(request([count("a", 4)]));
      await ctldb.clearRows(FAMILY, COUNTS.table);
      const last = await ctldb.write(request([count("a", 5), count("b", 5)]));
      const changes = await wholeHistory(ctldb, COUNTS, ["a"]);
      expect(countsOf(changes)).toEqual([
        ["upsert", null, 5n],
        ["clear", 4n, null],
        ["upsert", null, 4n],
        ["delete", 2n, null],
        ["upsert", 1n, 2n],
        ["upsert", null, 1n],
        ["create", null, null],
      ]);
      expect(changes.map(({ writer }) => writer)).toEqual([
        WRITER,
        null,
        WRITER,
        WRITER,
        WRITER,
        WRITER,
        null,
      ]);
      expect(changes[0]?.transaction).toBe(last.sequence);
      expect(changes[3]?.transaction).toBe(batch.sequence);
      expect(changes[4]?.transaction).toBe(batch.sequence);
      for (const i of [1, 2, 5, 6]) expect(changes[i]?.transaction).toBe(changes[i]?.sequence as Sequence);
      // A row from before the field was added has null there, as the table's rows have.
      expect(changes[5]?.new).toEqual({ name: "a", count: 1n, order: null });
      const { entries } = await readWholeLedger(url);
      for (const { sequence, timestampUs } of changes)
        expect(timestampUs).toBe(entries.find((entry) => entry.sequence === sequence)?.timestampUs ?? 0);
      for (const limit of [1, 2, 3, 7]) {
        const paged = await wholeHistory(ctldb, COUNTS, ["a"], limit);
        expect(paged).toEqual(changes);
      }
      expect(countsOf(await wholeHistory(ctldb, COUNTS, ["nobody"]))).toEqual([
        ["clear", null, null],
        ["create", null, null],
      ]);
    });

    test("ends what was before where the table was dropped, and begins anew where it was made again", async () => {
      await using ctldb = await openFilled(await target.createDatabase());
      await ctldb.write(request([count("a", 1)]));
      await ctldb.dropTable(FAMILY, COUNTS.table);
      await ctldb.createTables([COUNTS]);
      await ctldb.write(request([count("a", 2)]));
      expect(countsOf(await wholeHistory(ctldb, COUNTS, ["a"]))).toEqual([
        ["upsert", null, 2n],
        ["create", null, null],
        ["drop", 1n, null],
        ["upsert", null, 1n],
        ["create", null, null],
      ]);
      // With another key, though the fields are the same: its rows were no rows of today's keys.
      await ctldb.dropTable(FAMILY, COUNTS.table);
      const rekeyed = { ...COUNTS, keyFields: ["name", "count"].map((name) => name as FieldName) };
      await ctldb.createTables([rekeyed]);
      await ctldb.write(request([count("a", 2)]));
      const changes = await wholeHistory(ctldb, rekeyed, ["a", 2n]);
      expect(countsOf(changes)).toEqual([
        ["upsert", null, 2n],
        ["create", null, null],
        ["drop", null, null],
        ["create", null, null],
        ["drop", null, null],
        ["create", null, null],
      ]);
      for (const limit of [1, 3])
        expect(await wholeHistory(ctldb, rekeyed, ["a", 2n], limit)).toEqual(changes);
    });

    test("D3 D5 I12 tells keys apart by their bytes, of every type, with names that are words of SQL", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const odd = table("odd_keys", {
        fields: [
          ["note", "text"],
          ["order", "integer"],
          ["group", "bytestring"],
          ["select", "string"],
        ],
        keyFields: ["select", "order", "group"],
      });
      await ctldb.createTables([odd]);
      const texts = [
        "a",
        "A",
        "a ",
        "a\u0000",
        "a\u0000\ufffd",
        "it's",
        "\\",
        "ä",
        "😀",
        "' WHERE 1 = 1 --",
        "",
      ];
      const integers = [2n ** 63n - 1n, -(2n ** 63n), 0n, 7n];
      const bytes = [Uint8Array.of(), Uint8Array.of(0), Uint8Array.of(39, 92), Uint8Array.of(255)];
      const keys = texts.map((text, i) => [text, integers[i % 4] ?? 0n, bytes[i % 3] ?? bytes[0]] as const);
      for (const [i, [text, integer, group]] of keys.entries()) {
        const values = { select: text, order: integer, group, note: `it's ${i}\u0000` };
        await ctldb.write(request([upsert("odd_keys", values), remove("odd_keys", values)]));
      }
      const check = async () => {
        for (const [i, [text, integer, group]] of keys.entries()) {
          const changes = await wholeHistory(ctldb, odd, [text, integer, group as Uint8Array]);
          expect([text, ...kindsOf(changes)]).toEqual([text, "delete", "upsert", "create"]);
          expect(changes[1]?.new).toEqual({
            note: `it's ${i}\u0000`,
            order: integer,
            group: Buffer.from(group as Uint8Array),
            select: text,
          });
        }
      };
      await check();
      await makeLegacy(target, url);
      await check();
      // As the original writes text with NUL.
      await target.sql(
        url,
        "UPDATE ctlstore_dml_ledger SET statement = REPLACE(REPLACE(statement, 'CAST(', ''), ' AS CHAR)', '')",
      );
      await check();
    });

    test("of entries of the original says when to the second and not who, and batches by their markers", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      await ctldb.write(request([count("a", 1)]));
      const batch = await ctldb.write(request([count("a", 2), count("b", 2)]));
      await ctldb.write(request([count("a", 3)]));
      const attested = await wholeHistory(ctldb, COUNTS, ["a"]);
      await makeLegacy(target, url);
      const changes = await wholeHistory(ctldb, COUNTS, ["a"]);
      expect(countsOf(changes)).toEqual(countsOf(attested));
      expect(changes.map(({ writer }) => writer)).toEqual([null, null, null, null]);
      expect(changes.map(({ timestampUs }) => timestampUs)).toEqual(
        attested.map(({ timestampUs }) => Math.floor(timestampUs / 1e6) * 1e6),
      );
      expect(changes.map(({ transaction }) => transaction)).toEqual(
        attested.map(({ transaction }) => transaction),
      );
      expect(changes[1]?.transaction).toBe(batch.sequence);
      await target.sql(url, "UPDATE ctlstore_dml_ledger SET leader_ts = '1970-01-01 00:00:00' WHERE seq = 3");
      expect((await wholeHistory(ctldb, COUNTS, ["a"])).at(-2)?.timestampUs).toBe(0);
    });

    test("does not say what was before where an entry cannot be read, or the ledger does not go back", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      for (const value of [1, 2, 3, 4]) await ctldb.write(request([count("a", value)]));
      await target.sql(
        url,
        `UPDATE ctlstore_dml_ledger SET hash = NULL, statement = 'UPDATE fam___counts SET "count" = 7',
         family_name = NULL, table_name = NULL WHERE seq = 5`,
      );
      expect(countsOf(await wholeHistory(ctldb, COUNTS, ["a"]))).toEqual([
        ["upsert", "?", 4n],
        ["upsert", 1n, 2n],
        ["upsert", null, 1n],
        ["create", null, null],
      ]);
      await target.sql(
        url,
        `UPDATE ctlstore_dml_ledger SET statement = 'REPLACE INTO fam___counts ("name","count") VALUES(lower(''A''),7)' WHERE seq = 5`,
      );
      expect(countsOf(await wholeHistory(ctldb, COUNTS, ["a"]))[0]).toEqual(["upsert", "?", 4n]);
      const { family, table: name } = COUNTS;
      const page = await ctldb.inspection.history({
        family,
        table: name,
        key: ["a"],
        before: null,
        limit: 9,
      });
      expect(page.unreadable as readonly bigint[]).toEqual([5n]);
      // By hand: rows that have something else in common than a key.
      for (const byHand of [
        `DELETE FROM fam___counts WHERE "count" = 1`,
        `DELETE FROM fam___counts WHERE "name" = ''a'' AND "count" = 1`,
        `REPLACE INTO fam___counts ("count") VALUES(7)`,
      ]) {
        await target.sql(url, `UPDATE ctlstore_dml_ledger SET statement = '${byHand}' WHERE seq = 5`);
        expect(countsOf(await wholeHistory(ctldb, COUNTS, ["a"]))[0]).toEqual(["upsert", "?", 4n]);
      }
      await target.sql(url, "DELETE FROM ctlstore_dml_ledger WHERE seq < 4");
      expect(countsOf(await wholeHistory(ctldb, COUNTS, ["a"]))).toEqual([
        ["upsert", "?", 4n],
        ["upsert", "?", 2n],
      ]);
    });

    test("is what a model says after a random history, page by page", async () => {
      const seed = suiteSeed();
      const random = seededRandom(seed);
      await using ctldb = await openFilled(await target.createDatabase());
      const keys = ["a", "b", "c"];
      const model = new Map(keys.map((key) => [key, [["create", null, null]] as unknown[][]]));
      const state = new Map<string, bigint | null>(keys.map((key) => [key, null]));
      const note = (key: string, kind: string, next: bigint | null) => {
        model.get(key)?.unshift([kind, state.get(key) ?? null, next]);
        state.set(key, next);
      };
      const rounds = runsOf({ quick: 40, deep: 400 });
      for (let round = 0; round < rounds; round++) {
        const luck = random();
        if (luck < 0.05) {
          await ctldb.clearRows(FAMILY, COUNTS.table);
          for (const key of keys) note(key, "clear", null);
        } else if (luck < 0.08) {
          await ctldb.dropTable(FAMILY, COUNTS.table);
          await ctldb.createTables([COUNTS]);
          for (const key of keys) {
            note(key, "drop", null);
            note(key, "create", null);
          }
        } else {
          const mutations: Mutation[] = Array.from({ length: 1 + Math.floor(random() * 3) }, () => {
            const key = keys[Math.floor(random() * 3)] ?? "a";
            const value = random() < 0.7 ? BigInt(Math.floor(random() * 1000)) : null;
            note(key, value === null ? "delete" : "upsert", value);
            return value === null ? remove("counts", { name: key }) : count(key, value);
          });
          await ctldb.write(request(mutations));
        }
      }
      for (const key of keys) {
        const limit = 1 + Math.floor(random() * 40);
        const changes = await wholeHistory(ctldb, COUNTS, [key], limit);
        expect(countsOf(changes), `seed ${seed}`).toEqual((model.get(key) ?? []) as never);
      }
    });
  });

  test("looking at the ledger ends with the ctldb, by code, also in the middle of a search", async () => {
    const url = await target.createDatabase();
    const ctldb = await openFilled(url);
    const request = { family: FAMILY, table: COUNTS.table, key: ["a"], before: null, limit: 1 };
    const many = Array.from({ length: 20 }, () => ctldb.inspection.history(request).catch((error) => error));
    await ctldb[Symbol.asyncDispose]();
    for (const outcome of await Promise.all(many))
      if (!("changes" in outcome)) expect(outcome).toMatchObject({ code: "ctldb_unavailable" });
    expect(await failureOf(ctldb.inspection.history(request))).toMatchObject({ code: "ctldb_unavailable" });
  });

  describe("looking up keys", () => {
    let ctldb: CtlDb;
    beforeAll(async () => {
      ctldb = await openFilled(await target.createDatabase());
    });
    afterAll(() => ctldb[Symbol.asyncDispose]());

    test("a history is refused for what is no key of the table, and for a table that is not there", async () => {
      const of = (schema: TableSchema, key: readonly unknown[]) =>
        failureOf(
          ctldb.inspection.history({
            family: schema.family,
            table: schema.table,
            key,
            before: null,
            limit: 1,
          }),
        );
      for (const key of [[], ["a", "b"]]) expect((await of(COUNTS, key)).code).toBe("invalid_key");
      for (const key of [[1], [null], ["\ud800"]]) expect((await of(COUNTS, key)).code).toBe("invalid_value");
      expect((await of({ ...COUNTS, table: parseTableName("missing") }, ["a"])).code).toBe("unknown_table");
      expect((await of({ ...COUNTS, family: parseFamilyName("elsewhere") }, ["a"])).code).toBe(
        "unknown_family",
      );
    });

    test("I12 a row is as it was written, with the sequence of its state", async () => {
      const { sequence } = await ctldb.write(
        request([
          upsert("all_types", { k1: "a\u0000'", k2: -(2n ** 63n), d: 5e-324, bs: Uint8Array.of(0, 39) }),
        ]),
      );
      const { family, table: name } = ALL_TYPES;
      const row = await ctldb.readRow({ family, table: name, key: ["a\u0000'", "-9223372036854775808"] });
      expect(row.sequence).toBe(sequence);
      expect(row.values.map((value) => (value instanceof Uint8Array ? [...value] : value))).toEqual([
        ...[5e-324, -(2n ** 63n), "a\u0000'", null, null, [0, 39], null, null],
      ]);
      const missing = (key: readonly unknown[]) => failureOf(ctldb.readRow({ family, table: name, key }));
      expect((await missing(["A\u0000'", -(2n ** 63n)])).code).toBe("unknown_row");
      expect((await missing(["a\u0000' ", -(2n ** 63n)])).code).toBe("unknown_row");
      expect((await missing(["a"])).code).toBe("invalid_key");
      expect((await missing(["a", 1, 2])).code).toBe("invalid_key");
      expect((await missing(["a", "1.5"])).code).toBe("invalid_value");
      expect((await missing([null, 1])).code).toBe("invalid_value");
    });

    test("rows by a prefix of their key are those that have it, in order and page by page, and no others", async () => {
      const firsts = ["a", "A", "a ", "a\u0000", "b"];
      await ctldb.write(
        request(firsts.flatMap((k1) => [3, 1, 2, -(2n ** 63n)].map((k2) => upsert("all_types", { k1, k2 })))),
      );
      const { family, table: name } = ALL_TYPES;
      const read = async (prefix: readonly unknown[], limit: number) => {
        const found: (readonly SqlValue[])[] = [];
        let after: readonly SqlValue[] | null = null;
        do {
          const page = await ctldb.readRows({
            family,
            table: name,
            fields: "key",
            prefix,
            after,
            limit,
            bytes: 1e6,
          });
          found.push(...page.rows);
          after = page.next;
        } while (after !== null);
        return found;
      };
      for (const limit of [1, 2, 100]) {
        for (const k1 of firsts) {
          expect(await read([k1], limit)).toEqual([-(2n ** 63n), 1n, 2n, 3n].map((k2) => [k1, k2]));
          expect(await read([k1, 2], limit)).toEqual([[k1, 2n]]);
        }
        expect(await read(["c"], limit)).toEqual([]);
        expect((await read([], limit)).filter(([k1]) => firsts.includes(String(k1))).length).toBe(20);
      }
      const page = (prefix: readonly unknown[], after: readonly unknown[]) =>
        ctldb.readRows({ family, table: name, fields: "key", prefix, after, limit: 10, bytes: 1e6 });
      expect((await page(["a", 2], ["a", 2])).rows).toEqual([]);
      expect((await failureOf(page(["a"], ["b", 1]))).code).toBe("invalid_value");
      expect((await failureOf(page(["a", 1, 2], ["a", 1]))).code).toBe("invalid_key");
    });
  });
}
