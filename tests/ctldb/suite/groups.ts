/** Writes that are committed together: all of them, in order, and each for itself (D11, D12). */
import { describe, expect, test } from "bun:test";
import { parseWriterName } from "../../../core/names.ts";
import type { ConformanceTarget } from "../conformance.ts";
import {
  bytes,
  count,
  expectConsistent,
  FAMILY,
  failureOf,
  open,
  openFilled,
  request,
  SECRET,
  settled,
  statementsAfter,
  table,
  upsert,
  WRITER,
} from "../fixture.ts";

export function groupTests(target: ConformanceTarget): void {
  describe("a group of writes", () => {
    test("D11 has no failure when one writer sends 40 requests at once", async () => {
      const url = await target.createDatabase();
      const groups: number[] = [];
      await using ctldb = await openFilled(url, { onGroup: (writes) => groups.push(writes) });
      const writes = Array.from({ length: 40 }, (_, i) =>
        ctldb.write(request([count(`n${i}`, i)], { cookie: bytes(`${i}`) })),
      );
      const sequences = (await Promise.all(writes)).map((result) => result.sequence);
      // Order of arrival within a writer is order in the ledger.
      expect(sequences).toEqual([...sequences].sort((a, b) => (a < b ? -1 : 1)));
      expect(new Set(sequences).size).toBe(40);
      expect(await ctldb.readCookie(WRITER, SECRET)).toEqual(bytes("39"));
      expect(groups.reduce((sum, writes) => sum + writes, 0)).toBe(40);
      expect(groups.length).toBeLessThan(10);
      expect((await expectConsistent(url)).rows["fam___counts"]?.rows).toHaveLength(40);
    });

    test("R34 does not wait for all changes of operators when there is a flood of them, nor is one of these lost", async () => {
      const url = await target.createDatabase();
      let changes = 0;
      {
        await using ctldb = await openFilled(url);
        const registrations = Array.from({ length: 60 }, (_, i) =>
          ctldb.writers.register(parseWriterName(`flood-${i}`), SECRET).then(() => {
            changes += 1;
          }),
        );
        await registrations[0];
        await ctldb.write(request([count("a", 1)]));
        // A flood as long as that comes first where all wait in one line.
        expect(changes).toBeLessThan(30);
        await Promise.all(registrations);
      }
      await using ctldb = await open(url);
      expect(await ctldb.writers.list()).toHaveLength(61);
    });

    test("fails alone when one of it has bad credentials, a wrong cookie or a bad value", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const ends = await settled([
        ctldb.write(request([count("a", 1)])),
        ctldb.write(request([count("b", 2)], { secret: "s3cr3t-wrong" })),
        ctldb.write(request([count("c", 3)], { checkCookie: bytes("no") })),
        ctldb.write(request([count("d", "x")])),
        ctldb.write(request([count("e", 5)], { cookie: bytes("moved") })),
        ctldb.write(request([count("f", 6)], { checkCookie: bytes("moved") })),
      ]);
      expect(ends.map((end) => ("code" in end ? end.code : "ok"))).toEqual([
        "ok",
        "bad_credentials",
        "cookie_conflict",
        "invalid_value",
        "ok",
        "ok",
      ]);
      const { rows } = await expectConsistent(url);
      expect(rows["fam___counts"]?.rows).toEqual(
        [1, 5, 6].map((value) => `text "${" abcdef"[value]}"|integer ${value}`),
      );
    });

    test("I3 fails alone, and is not believed in, when the database itself refuses one of it", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const broken = table("broken", { fields: [["id", "string"]], keyFields: ["id"] });
      await ctldb.createTables([broken]);
      await ctldb.write(request([], { family: null, cookie: bytes("old") }));
      const { headSequence } = await ctldb.status();
      await target.sql(url, "DROP TABLE fam___broken");
      const ends = await settled([
        ctldb.write(request([count("a", 1)], { checkCookie: bytes("old") })),
        // Half of its mutations have run when the database refuses the third.
        ctldb.write(
          request([count("half", 1), count("a", 99), upsert("broken", { id: "x" })], {
            cookie: bytes("never"),
          }),
        ),
        ctldb.write(request([count("b", 2)], { checkCookie: bytes("never") })),
        ctldb.write(request([count("c", 3)], { checkCookie: bytes("old"), cookie: bytes("new") })),
        ctldb.write(request([upsert("broken", { id: "y" })])),
        ctldb.write(request([count("d", 4)], { checkCookie: bytes("new") })),
      ]);
      expect(ends.map((end) => ("code" in end ? end.code : "ok"))).toEqual([
        "ok",
        target.kind === "mysql" ? "ctldb_incompatible" : "internal",
        "cookie_conflict",
        "ok",
        target.kind === "mysql" ? "ctldb_incompatible" : "internal",
        "ok",
      ]);
      expect(await statementsAfter(url, headSequence)).toEqual(
        [1, 3, 4].map(
          (value) => `REPLACE INTO fam___counts ("name","count") VALUES('${" abcd"[value]}',${value})`,
        ),
      );
      expect(await ctldb.readCookie(WRITER, SECRET)).toEqual(bytes("new"));
    });

    test("I1 has no gap or double when two ctldbs write to one database at once", async () => {
      const url = await target.createDatabase();
      await using first = await openFilled(url);
      await using second = await open(url);
      const writers = Array.from({ length: 4 }, (_, i) => parseWriterName(`writer-${i}x`));
      for (const writer of writers) await first.writers.register(writer, SECRET);
      const writes = Array.from({ length: 80 }, (_, i) =>
        (i % 2 === 0 ? first : second).write(
          request([count(`n${i}`, i), count("shared", i)], { writer: writers[i % 4] ?? WRITER }),
        ),
      );
      const sequences = (await Promise.all(writes)).map((result) => result.sequence);
      expect(new Set(sequences).size).toBe(80);
      const { rows, entries } = await expectConsistent(url);
      expect(entries).toHaveLength(2 + 80 * 4);
      expect(rows["fam___counts"]?.rows).toHaveLength(81);
    });

    test("is cut where it grows too large, and keeps its order, when large writes come together", async () => {
      const url = await target.createDatabase();
      const groups: number[] = [];
      await using ctldb = await openFilled(url, { onGroup: (writes) => groups.push(writes) });
      const texts = Array.from({ length: 12 }, (_, i) => `${i}`.padStart(500 * 1024, "é"));
      const writes = texts.map((t, k2) =>
        ctldb.write(request([upsert("all_types", { k1: "a", k2, t: t.slice(-260_000) })])),
      );
      await Promise.all(writes);
      expect(groups.length).toBeGreaterThanOrEqual(1);
      expect((await expectConsistent(url)).rows["fam___all_types"]?.rows).toHaveLength(12);
    });

    test("I13 refuses at once, and writes what it accepted, when the queue is full", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url, { limits: { queuedRequests: 5 } });
      await ctldb.write(request([count("first")]));
      const ends = await settled(
        Array.from({ length: 20 }, (_, i) => ctldb.write(request([count(`n${i}`)]))),
      );
      const accepted = ends.filter((end) => "sequence" in end);
      const refused = ends.flatMap((end) => ("code" in end ? [end.code] : []));
      expect(accepted.length).toBeGreaterThanOrEqual(5);
      expect(refused.length).toBeGreaterThan(0);
      expect(new Set(refused)).toEqual(new Set(["overloaded"]));
      expect((await expectConsistent(url)).rows["fam___counts"]?.rows).toHaveLength(accepted.length + 1);
      await ctldb.write(request([count("later")]));
    });

    test("goes on when a write is sent from the reply to another one", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      let chain: Promise<unknown> = Promise.resolve();
      for (let i = 0; i < 50; i++) chain = chain.then(() => ctldb.write(request([count("n", i)])));
      await chain;
      // One tick apart each: at some point one arrives just as the queue has run empty.
      for (let ticks = 0; ticks < 40; ticks++) {
        const first = ctldb.write(request([count("tick", ticks)]));
        await first;
        for (let i = 0; i < ticks; i++) await Promise.resolve();
        await ctldb.write(request([count("tock", ticks)]));
      }
      await expectConsistent(url);
    });

    test("R38 sees another's schema change at once when it writes next", async () => {
      const url = await target.createDatabase();
      await using first = await openFilled(url);
      await using second = await open(url);
      await second.write(request([count("warm")]));
      const later = table("later", { fields: [["id", "string"]], keyFields: ["id"] });
      await first.createTables([later]);
      await second.write(request([upsert("later", { id: "a" })]));
      await first.addFields(FAMILY, later.table, [{ name: "more" as never, type: "integer" }]);
      await second.write(request([upsert("later", { id: "b", more: 5 })]));
      await second.dropTable(FAMILY, later.table);
      expect((await failureOf(first.write(request([upsert("later", { id: "c" })])))).code).toBe(
        "unknown_table",
      );
      const another = table("later", {
        fields: [
          ["n", "integer"],
          ["id", "string"],
        ],
        keyFields: ["n"],
      });
      await second.createTables([another]);
      expect((await failureOf(first.write(request([upsert("later", { id: "c" })])))).code).toBe(
        "missing_key_field",
      );
      await first.write(request([upsert("later", { id: "c", n: 1 })]));
      const { rows } = await expectConsistent(url);
      expect(rows["fam___later"]?.rows).toEqual(['integer 1|text "c"']);
    });

    test("R38 is planned again when the schema changes while it waits", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openFilled(url);
      const later = table("later", { fields: [["id", "string"]], keyFields: ["id"] });
      await ctldb.createTables([later]);
      await ctldb.write(request([upsert("later", { id: "before" })]));
      const field = { name: "more" as never, type: "integer" as const };
      const write = (id: string) => ctldb.write(request([upsert("later", { id })]));
      const early = settled(["a", "b"].map(write));
      const added = ctldb.addFields(FAMILY, later.table, [field]);
      const between = settled(["c", "d"].map(write));
      const dropped = await ctldb.dropTable(FAMILY, later.table);
      await added;
      // Each was written before the drop or refused: there is never an entry for a table that is gone.
      for (const end of [...(await early), ...(await between)]) {
        if ("code" in end) expect(end.code).toBe("unknown_table");
        else expect(end.sequence).toBeLessThan(dropped.sequence);
      }
      await expectConsistent(url);
    });
  });
}
