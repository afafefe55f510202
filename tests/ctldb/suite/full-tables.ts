/** Tables over their hard limit (R35, D13): what makes them grow is refused, what makes room passes. */
import { expect, test } from "bun:test";
import { parseTableName, parseWriterName } from "../../../core/names.ts";
import type { CtlDb, Mutation } from "../../../ctldb/contract.ts";
import type { SizeLimit } from "../../../ctldb/limits/contract.ts";
import type { OpenCtlDbOptions } from "../../../ctldb/open.ts";
import { until } from "../../support/until.ts";
import type { ConformanceTarget } from "../conformance.ts";
import {
  ALL_TYPES,
  count,
  expectConsistent,
  FAMILY,
  failureOf,
  open,
  openFilled,
  remove,
  request,
  settled,
  stateOf,
  table,
  upsert,
} from "../fixture.ts";

const KIB = 1024;
const LIMIT: SizeLimit = { warnBytes: BigInt(100 * KIB), maxBytes: BigInt(200 * KIB) };
/** Every table may be as large as it likes, but those with a limit of their own. */
const OPTIONS: OpenCtlDbOptions = { tableSizes: { intervalMs: 20 } };

const NOTES = table("notes", {
  fields: [
    ["id", "string"],
    ["note", "text"],
  ],
  keyFields: ["id"],
});

function note(id: unknown, chars: number, name = "notes"): Mutation {
  return upsert(name, { id, note: "n".repeat(chars) });
}

const forget = (id: unknown) => remove("notes", { id });

async function sizeOf(ctldb: CtlDb, name = NOTES.table) {
  return (await ctldb.limits.sizes()).find((size) => size.table === name);
}

function untilState(ctldb: CtlDb, state: string, name = NOTES.table): Promise<unknown> {
  return until(async () => (await sizeOf(ctldb, name))?.state === state, { what: `${name} to be ${state}` });
}

/** `notes` with twenty rows of 20 KiB, "0" to "19", which is twice its limit. */
async function openFull(url: string, options: OpenCtlDbOptions = OPTIONS): Promise<CtlDb> {
  const ctldb = await openFilled(url, options);
  await ctldb.createTables([NOTES]);
  await ctldb.write(request(Array.from({ length: 20 }, (_, id) => note(String(id), 20 * KIB))));
  await ctldb.limits.setTable(FAMILY, NOTES.table, LIMIT);
  await untilState(ctldb, "full");
  return ctldb;
}

export function fullTableTests(target: ConformanceTarget): void {
  test("refuses what makes a table grow that is over its hard limit, whole batches, and changes nothing (R35)", async () => {
    const url = await target.createDatabase();
    await using ctldb = await openFull(url);
    const before = await stateOf(url, ctldb);
    const batches: Array<readonly [number, readonly Mutation[]]> = [
      [0, [note("new", 1)]],
      [0, [upsert("notes", { id: "nulls", note: null })]],
      [0, [note("0", 20 * KIB + 1)]],
      [1, [note("0", 20 * KIB), note("1", 20 * KIB + 1)]],
      [1, [forget("nobody"), note("other", 1)]],
      [2, [count("fits"), note("0", 10), note("new", 30 * KIB)]],
    ];
    for (const [index, mutations] of batches) {
      const error = await failureOf(ctldb.write(request(mutations, { cookie: new Uint8Array([1]) })));
      expect({ code: error.code, index: error.details.index }).toEqual({ code: "table_full", index });
      expect(error.message).toContain("fam/notes");
      expect(error.details.hint).toContain("POST /limits/tables/fam/notes");
    }
    expect(await stateOf(url, ctldb)).toEqual(before);
  });

  test("takes deletes and whatever does not make the rows longer for a table over its hard limit (R35)", async () => {
    const url = await target.createDatabase();
    await using ctldb = await openFull(url);
    const passing: Array<readonly Mutation[]> = [
      [note("0", 20 * KIB)],
      [note("0", 100)],
      [upsert("notes", { id: "0", note: null })],
      [forget("nobody"), forget("1")],
      // What a batch makes free it may use, in any order.
      [forget("2"), note("new", 20 * KIB - 10)],
      [note("3", 20 * KIB + 50), note("4", 20 * KIB - 50)],
      [note("5", 30 * KIB), forget("6")],
      [note("7", 40 * KIB), note("7", 20 * KIB)],
      [count("another table"), forget("8")],
    ];
    for (const mutations of passing) await ctldb.write(request(mutations));
    await expectConsistent(url);
  });

  test("judges writes that wait together one after the other, each by what those before it leave (R35)", async () => {
    const url = await target.createDatabase();
    await using ctldb = await openFull(url);
    const write = (...mutations: Mutation[]) => ctldb.write(request(mutations));
    const outcomes = await settled([
      write(forget("0")),
      write(note("0", 1)),
      write(note("1", 10)),
      write(note("1", 20 * KIB)),
      write(note("2", 10), note("new", 19 * KIB)),
      write(note("new", 19 * KIB)),
      write(note("new", 19 * KIB + 1)),
      write(note("3", 20 * KIB)),
    ]);
    const codes = outcomes.map((outcome) => ("code" in outcome ? outcome.code : "ok"));
    const full = "table_full";
    expect(codes).toEqual(["ok", full, "ok", full, "ok", "ok", full, "ok"]);
    await expectConsistent(url);
  });

  test("counts no row that a refused write would have made shorter (R35)", async () => {
    const url = await target.createDatabase();
    await using ctldb = await openFull(url);
    const wrong = { secret: "s3cr3t-wrong" };
    const stale = { checkCookie: new Uint8Array([9]) };
    const outcomes = await settled([
      ctldb.write(request([forget("0")], stale)),
      ctldb.write(request([note("1", 10), note("new", 30 * KIB)])),
      ctldb.write(request([note("1", 20 * KIB)])),
      ctldb.write(request([forget("2")], wrong)),
      ctldb.write(request([note("0", 20 * KIB), note("2", 20 * KIB)])),
    ]);
    const codes = outcomes.map((outcome) => ("code" in outcome ? outcome.code : "ok"));
    expect(codes).toEqual(["cookie_conflict", "table_full", "ok", "bad_credentials", "ok"]);
  });

  test("is no reason to refuse what others write when a full table was changed by hand", async () => {
    const url = await target.createDatabase();
    await using ctldb = await openFull(url);
    await target.sql(url, "ALTER TABLE fam___notes RENAME COLUMN note TO other");
    for (let i = 0; i < 3; i++) {
      const outcomes = await settled([
        ctldb.write(request([count(`before ${i}`)])),
        ctldb.write(request([note("new", 10)])),
        ctldb.write(request([count(`after ${i}`)])),
      ]);
      expect(outcomes.map((outcome) => "sequence" in outcome)).toEqual([true, false, true]);
    }
  });

  test("goes on at once when the limit is raised, and by itself when rows were deleted (R35)", async () => {
    await using ctldb = await openFull(await target.createDatabase());
    const { limits } = ctldb;
    expect((await failureOf(ctldb.write(request([note("new", 10)])))).code).toBe("table_full");
    await limits.setTable(FAMILY, NOTES.table, { ...LIMIT, maxBytes: BigInt(100 * KIB * KIB) });
    await ctldb.write(request([note("new", 10)]));
    await limits.setTable(FAMILY, NOTES.table, LIMIT);
    expect((await failureOf(ctldb.write(request([note("newer", 10)])))).code).toBe("table_full");
    await ctldb.write(request(Array.from({ length: 20 }, (_, id) => forget(String(id)))));
    await until(async () => (await ctldb.write(request([note("newer", 10)]))).sequence, {
      what: "the table to be below its limit",
    });
    expect((await sizeOf(ctldb))?.state).toBe("ok");
  });

  test("knows one limit for a table however its name is written (D13)", async () => {
    const url = await target.createDatabase();
    await using ctldb = await openFull(url);
    const upper = parseTableName("NOTES");
    expect((await failureOf(ctldb.write(request([note("new", 1, "NOTES")])))).code).toBe("table_full");
    await ctldb.write(request([remove("Notes", { id: "0" })]));
    await ctldb.limits.resetTable(FAMILY, upper);
    // As the original writes them.
    await target.sql(
      url,
      "INSERT INTO max_table_sizes (family_name, table_name, warn_size_bytes, max_size_bytes) VALUES ('FAM', 'Notes', 1, 1)",
    );
    const refused = () =>
      ctldb.write(request([note("new", 1)])).then(
        () => false,
        () => true,
      );
    await until(refused, { what: "the limit that somebody else has set" });
  });

  test("refuses nothing for a table that nobody has measured, such as one made again (R35)", async () => {
    const url = await target.createDatabase();
    await using ctldb = await openFull(url, { tableSizes: { intervalMs: 3_600_000 } });
    await using other = await open(url, OPTIONS);
    expect((await failureOf(ctldb.write(request([note("new", 1)])))).code).toBe("table_full");
    await ctldb.createTables([table("fresh", { fields: [["id", "string"]], keyFields: ["id"] })]);
    await ctldb.limits.setTable(FAMILY, parseTableName("fresh"), { warnBytes: 0n, maxBytes: 0n });
    await ctldb.write(request([upsert("fresh", { id: "a" })]));
    // The schema has changed, but the table is still the one that was measured.
    expect((await failureOf(ctldb.write(request([note("new", 1)])))).code).toBe("table_full");
    await other.dropTable(FAMILY, NOTES.table);
    await other.createTables([NOTES]);
    await ctldb.write(request([note("new", 1)]));
    expect((await sizeOf(ctldb))?.state).toBe("unmeasured");
  });

  test("compares rows of every type and key as they are stored (R35)", async () => {
    const url = await target.createDatabase();
    await using ctldb = await openFilled(url, OPTIONS);
    const row = (more: Mutation["values"] = {}) =>
      upsert("all_types", {
        k1: "kéy\u0000'\u{1F600}",
        k2: -5,
        d: 1.5,
        t: "tëxt\u{1F600}",
        b: Buffer.from([0, 1, 255]).toString("base64"),
        bs: Buffer.from([7]).toString("base64"),
        s: "'; \\",
        i: 9007199254740993n,
        ...more,
      });
    await ctldb.write(request([row()]));
    await ctldb.limits.setTable(FAMILY, ALL_TYPES.table, { warnBytes: 0n, maxBytes: 0n });
    await untilState(ctldb, "full", ALL_TYPES.table);
    await ctldb.write(request([row()]));
    await ctldb.write(request([row({ i: 1, d: -2e300, s: "abcd", b: "AAAA" })]));
    for (const longer of [
      { t: "tëxt\u{1F600}x" },
      { b: "AAAAAA==" },
      { bs: "AAA=" },
      { s: "abcdé" },
      { k2: 5 },
    ]) {
      expect((await failureOf(ctldb.write(request([row(longer)])))).code).toBe("table_full");
    }
    await ctldb.write(request([row({ d: null, i: null, t: "" })]));
    expect((await failureOf(ctldb.write(request([row({ t: "", i: null })])))).code).toBe("table_full");
  });

  test("judges a full group of long batches, rows that come again and other writers' too (R35)", async () => {
    const url = await target.createDatabase();
    await using ctldb = await openFull(url);
    const other = parseWriterName("writer-2");
    await ctldb.writers.register(other, "s3cr3t-2");
    const asOther = { writer: other, secret: "s3cr3t-2" };
    // Known from now on, so that its next write keeps its place.
    await ctldb.write(request([forget("nobody")], asOther));
    const batch = Array.from({ length: 100 }, (_, id) => note(String(id % 20), 20 * KIB - id));
    const short = Array.from({ length: 100 }, (_, id) => note(String(id % 20), 100 - id));
    const long = Array.from({ length: 100 }, (_, id) => note(`new ${id}`, 10));
    const outcomes = await settled([
      ctldb.write(request(batch.slice(0, 40))),
      ctldb.write(request(short)),
      ctldb.write(request(long)),
      ctldb.write(request([forget("0")], asOther)),
      ctldb.write(request([note("0", 1)])),
    ]);
    const codes = outcomes.map((outcome) => ("code" in outcome ? outcome.code : "ok"));
    expect(codes).toEqual(["ok", "ok", "table_full", "ok", "table_full"]);
    await expectConsistent(url);
  });
}
