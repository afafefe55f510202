/** Rates of writers and of the fleet: counted exactly, in the transaction that writes (D11, R34). */
import { describe, expect, test } from "bun:test";
import { parseWriterName } from "../../../core/names.ts";
import { NO_RATE } from "../../../core/rates.ts";
import type { CtlDb } from "../../../ctldb/contract.ts";
import type { OpenCtlDbOptions } from "../../../ctldb/open.ts";
import { until } from "../../support/until.ts";
import type { ConformanceTarget } from "../conformance.ts";
import {
  bytes,
  COUNTS as COUNTS_SCHEMA,
  count,
  expectConsistent,
  FAMILY,
  failureOf,
  open,
  openFilled,
  remove,
  request,
  SECRET,
  type Settled,
  settled,
  statementsAfter,
  stateOf,
  table,
  upsert,
  WRITER,
} from "../fixture.ts";
import { countedRows, ledgerBytes, ledgerRows, rowsOf, windowWith } from "../limits/windows.ts";

const COUNTS = COUNTS_SCHEMA.table;
const OTHER = parseWriterName("writer-2");

function rowsPerMinute(rows: bigint | null): OpenCtlDbOptions {
  return { defaults: { writer: { rows, bytes: null } } };
}

function batch(name: string, rows: number) {
  return Array.from({ length: rows }, (_, i) => count(`${name}-${i}`, i));
}

function codesOf(ends: readonly Settled[]): string[] {
  return ends.map((end) => ("code" in end ? end.code : "ok"));
}

async function openLimited(url: string, rows: bigint | null): Promise<CtlDb> {
  const ctldb = await openFilled(url, rowsPerMinute(rows));
  await ctldb.writers.register(OTHER, SECRET);
  await windowWith(8);
  return ctldb;
}

export function rateTests(target: ConformanceTarget): void {
  describe("a writer's rate", () => {
    test("D11 is counted exactly when 40 requests of one writer come at once", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openLimited(url, 100n);
      const writes = Array.from({ length: 40 }, (_, i) => ctldb.write(request(batch(`b${i}`, 3))));
      const codes = codesOf(await settled(writes));
      // In order of arrival: a hundred rows are 33 batches of three.
      expect(codes).toEqual([...Array(33).fill("ok"), ...Array(7).fill("rate_limited")]);
      expect(await countedRows(url)).toEqual({ [WRITER]: 99, "*": 99 });
      expect(await ledgerRows(url)).toEqual({ [WRITER]: 99 });
      await ctldb.write(request([count("the last")]));
      expect((await failureOf(ctldb.write(request([count("too many")])))).code).toBe("rate_limited");
      expect(await countedRows(url)).toEqual({ [WRITER]: 100, "*": 100 });
      await expectConsistent(url);
    });

    test("R34 limits nobody else, and says when to come again, when it is used up", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openLimited(url, 10n);
      await ctldb.write(request(batch("all", 10)));
      const before = await stateOf(url, ctldb);
      const error = await failureOf(ctldb.write(request([count("more")], { cookie: bytes("never") })));
      expect(error.code).toBe("rate_limited");
      expect(error.message).toContain("10 are written in this one");
      expect(error.details.retryAfterSeconds).toBeWithin(1, 61);
      expect(await stateOf(url, ctldb)).toEqual(before);
      await ctldb.write(request(batch("others", 10), { writer: OTHER }));
      expect(await countedRows(url)).toEqual({ [WRITER]: 10, [OTHER]: 10, "*": 20 });
    });

    test("counts deletes, and not requests that move the cookie alone, when it is nearly used up", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openLimited(url, 3n);
      await ctldb.write(request([count("a"), remove("counts", { name: "a" })]));
      expect((await failureOf(ctldb.write(request(batch("b", 2))))).code).toBe("rate_limited");
      await ctldb.write(request([remove("counts", { name: "not there" })]));
      expect((await failureOf(ctldb.write(request([count("c")])))).code).toBe("rate_limited");
      await ctldb.write(request([], { family: null, cookie: bytes("moved") }));
      await ctldb.write(request([], { cookie: bytes("moved again"), checkCookie: bytes("moved") }));
      expect(await ctldb.readCookie(WRITER, SECRET)).toEqual(bytes("moved again"));
      expect(await countedRows(url)).toEqual({ [WRITER]: 3, "*": 3 });
    });

    test("costs nothing for a batch that is refused, whatever for", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openLimited(url, 5n);
      const broken = table("broken", { fields: [["id", "string"]], keyFields: ["id"] });
      await ctldb.createTables([broken]);
      await target.sql(url, "DROP TABLE fam___broken");
      const ends = await settled([
        ctldb.write(request(batch("a", 2))),
        ctldb.write(request(batch("b", 3), { secret: "s3cr3t-wrong" })),
        ctldb.write(request(batch("c", 3), { checkCookie: bytes("no") })),
        ctldb.write(request([count("d", "no number")])),
        // The database refuses it when one of its rows is written: those after it have its room.
        ctldb.write(request([count("e"), count("e2"), upsert("broken", { id: "x" })])),
        ctldb.write(request(batch("f", 4))),
        ctldb.write(request(batch("g", 3))),
        ctldb.write(request(batch("h", 1))),
      ]);
      expect(codesOf(ends)).toEqual([
        "ok",
        "bad_credentials",
        "cookie_conflict",
        "invalid_value",
        target.kind === "mysql" ? "ctldb_incompatible" : "internal",
        "rate_limited",
        "ok",
        "rate_limited",
      ]);
      expect(await countedRows(url)).toEqual({ [WRITER]: 5, "*": 5 });
      expect(await ledgerRows(url)).toEqual({ [WRITER]: 5 });
    });

    test("is told after the cookie when a batch that was applied comes again", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openLimited(url, 5n);
      const again = request(batch("a", 5), { checkCookie: bytes(""), cookie: bytes("1") });
      await ctldb.write(again);
      expect((await failureOf(ctldb.write(again))).code).toBe("cookie_conflict");
    });

    test("refuses for good what no minute can take, with the codes by which senders make smaller batches", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openLimited(url, 5n);
      const tooMany = await failureOf(ctldb.write(request(batch("a", 6))));
      expect(tooMany.code).toBe("too_many_mutations");
      expect(tooMany.message).toContain("5 a minute");
      await ctldb.limits.setWriter(WRITER, { rows: 100n, bytes: 200n });
      const long = count("x".repeat(190));
      const tooLong = await failureOf(ctldb.write(request([long, count("short")])));
      expect(tooLong.code).toBe("request_too_large");
      expect(tooLong.details.hint).toContain("smaller");
      await ctldb.write(request([count("short")]));
    });

    test("counts no further than the database can when somebody has written the highest count by hand", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openLimited(url, null);
      await windowWith(8);
      await ctldb.write(request([count("a")]));
      await target.sql(url, `UPDATE writer_usage SET amount = ${2n ** 63n - 1n}, bytes = ${2n ** 63n - 1n}`);
      await ctldb.write(request(batch("b", 2)));
      expect((await ctldb.limits.usage()).fleet).toMatchObject({
        rows: 2n ** 63n - 1n,
        bytes: 2n ** 63n - 1n,
      });
    });

    test("R35 keeps a single row waiting that no minute can take, as the row itself is no bad one", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openLimited(url, null);
      await ctldb.limits.setWriter(WRITER, { rows: 100n, bytes: 200n });
      const long = request([count("x".repeat(190))]);
      for (const attempt of [1, 2]) {
        const error = await failureOf(ctldb.write(long));
        expect([attempt, error.code]).toEqual([attempt, "rate_limited"]);
        expect(error.details.hint).toContain("higher");
        expect(error.details.retryAfterSeconds).toBeGreaterThan(0);
      }
      await ctldb.limits.setWriter(WRITER, { rows: 100n, bytes: 2_000n });
      await ctldb.write(long);
    });

    test("is switched off by a limit of 0, which leaves the cookie free", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openLimited(url, null);
      await ctldb.limits.setWriter(WRITER, { rows: 0n, bytes: null });
      const error = await failureOf(ctldb.write(request([count("a")])));
      expect([error.code, error.message]).toEqual(["not_granted", expect.stringContaining("limit of 0")]);
      await ctldb.write(request([], { family: null, cookie: bytes("moved") }));
      await ctldb.write(request([count("a")], { writer: OTHER }));
      await ctldb.limits.resetWriter(WRITER);
      await ctldb.write(request([count("a")]));
    });

    test("is in bytes of ledger statements when it says so", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openLimited(url, null);
      const { headSequence } = await ctldb.status();
      const name = `é${"ü".repeat(100)}`;
      await ctldb.write(request([count(name), count("plain")]));
      const statements = (await statementsAfter(url, headSequence)).filter((text) => !text.startsWith("---"));
      const used = statements.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
      expect((await ctldb.limits.usage()).writers).toEqual([
        { writer: WRITER, rows: 2n, bytes: BigInt(used), rate: NO_RATE },
      ]);
      const again = BigInt(Buffer.byteLength(statements[0] ?? ""));
      await ctldb.limits.setWriter(WRITER, { rows: 100n, bytes: BigInt(used) + again });
      await ctldb.write(request([count(name)]));
      expect((await failureOf(ctldb.write(request([count("a")])))).code).toBe("rate_limited");
      expect(await ledgerBytes(url)).toEqual({ [WRITER]: used + Number(again) });
    });
  });

  describe("limits of rates", () => {
    test("are a writer's own, else the longest pattern's, else the default's", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openLimited(url, 1n);
      const allowed: Readonly<Record<string, number>> = {
        "loader:items": 4,
        "loader:items:1": 3,
        "loader:prices": 2,
        loader: 1,
        "Loader:items": 1,
      };
      await ctldb.limits.setWriter("loader:*", { rows: 2n, bytes: null });
      await ctldb.limits.setWriter("loader:items*", { rows: 3n, bytes: null });
      await ctldb.limits.setWriter("loader:items", { rows: 4n, bytes: null });
      for (const [name, rows] of Object.entries(allowed)) {
        const writer = parseWriterName(name);
        await ctldb.writers.register(writer, SECRET);
        await ctldb.write(request(batch(name, rows), { writer }));
        const codes = [
          (await failureOf(ctldb.write(request(batch(name, 1), { writer })))).code,
          (await failureOf(ctldb.write(request(batch(name, rows + 1), { writer })))).code,
        ];
        expect([name, ...codes]).toEqual([name, "rate_limited", "too_many_mutations"]);
      }
      expect((await ctldb.limits.writers()).map(({ writer, rate }) => [writer, rate.rows])).toEqual([
        ["loader:*", 2n],
        ["loader:items", 4n],
        ["loader:items*", 3n],
      ]);
    });

    test("hold for all writers together when they are the fleet's", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openLimited(url, 8n);
      await ctldb.limits.setFleet({ rows: 10n, bytes: null });
      await ctldb.write(request(batch("a", 8)));
      const error = await failureOf(ctldb.write(request(batch("b", 3), { writer: OTHER })));
      expect([error.code, error.message]).toEqual([
        "rate_limited",
        expect.stringContaining("all writers together may write 10 a minute"),
      ]);
      await ctldb.write(request(batch("c", 2), { writer: OTHER }));
      await ctldb.limits.setFleet({ rows: null, bytes: 1_000_000n });
      expect(await ctldb.limits.fleet()).toEqual({ rows: null, bytes: 1_000_000n });
      await ctldb.write(request(batch("d", 6), { writer: OTHER }));
      await ctldb.limits.resetFleet();
      expect(await ctldb.limits.fleet()).toBeNull();
      expect(await countedRows(url)).toEqual({ [WRITER]: 8, [OTHER]: 8, "*": 16 });
      expect((await ctldb.limits.usage()).fleet).toMatchObject({ rows: 16n, rate: NO_RATE });
    });

    test("hold for the next write of every Executive when they are changed", async () => {
      const url = await target.createDatabase();
      await using first = await openLimited(url, 5n);
      await using second = await open(url, rowsPerMinute(5n));
      await second.write(request([count("warm")]));
      const writers = Array.from({ length: 4 }, (_, i) => parseWriterName(`changed-${i}`));
      for (const [i, writer] of writers.entries()) {
        await first.writers.register(writer, SECRET);
        await first.limits.setWriter(writer, { rows: BigInt(10 - i), bytes: null });
        await second.write(request(batch("x", 9 - i), { writer }));
        await first.limits.setWriter(writer, { rows: BigInt(9 - i), bytes: null });
        expect((await failureOf(second.write(request([count("y")], { writer })))).code).toBe("rate_limited");
        // Who was refused a moment ago is asked about again soon; where the limit was changed, at once.
        await second.limits.setWriter(writer, { rows: BigInt(11 - i), bytes: null });
        await second.write(request([count("y")], { writer }));
        expect((await failureOf(first.write(request(batch("z", 2), { writer })))).code).toBe("rate_limited");
        await second.limits.resetWriter(writer);
        await second.limits.setWriter(writer, { rows: 12n, bytes: null });
        await until(() => first.write(request(batch("z", 2), { writer })), { what: "the raised limit" });
      }
    });

    test("are seen without a restart when the original's Executive or a person changes the tables", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openLimited(url, 10_000n);
      await ctldb.write(request([count("warm")]));
      const insert = `INSERT INTO max_writer_rates (writer_name, max_rows_per_minute) VALUES ('${WRITER}', 0)`;
      await target.sql(url, insert);
      const refused = async () =>
        (await failureOf(ctldb.write(request([count("a")])))).code === "not_granted";
      await until(refused, { what: "the writer to be switched off" });
      await target.sql(url, "DELETE FROM max_writer_rates");
      await until(() => ctldb.write(request([count("a")])), { what: "the writer to be on again" });
    });

    test("are recorded with who set them, from what and to what; and not when they were that before", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openLimited(url, 5n);
      const { limits, audit } = ctldb;
      const actor = { actor: "ann" };
      await limits.setWriter(OTHER, { rows: 7n, bytes: null }, actor);
      await limits.setWriter(OTHER, { rows: 7n, bytes: null }, actor);
      await limits.setWriter(OTHER, { rows: 2n ** 62n, bytes: 9n }, actor);
      await limits.resetWriter(OTHER, actor);
      await limits.resetWriter(OTHER, actor);
      await limits.setFleet({ rows: 1n, bytes: null }, actor);
      await limits.setTable(FAMILY, COUNTS, { warnBytes: 1n, maxBytes: 2n }, actor);
      const { entries } = await audit.read({ limit: 10, actor: "ann" });
      const shown = entries.map(({ action, target: what, detail }) => [
        action,
        what,
        detail?.["from"],
        detail?.["to"],
      ]);
      expect(shown.reverse()).toEqual([
        ["limit.set", `limits/writers/${OTHER}`, null, { rows: 7, bytes: null }],
        [
          "limit.set",
          `limits/writers/${OTHER}`,
          { rows: 7, bytes: null },
          { rows: `${2n ** 62n}`, bytes: 9 },
        ],
        ["limit.reset", `limits/writers/${OTHER}`, { rows: `${2n ** 62n}`, bytes: 9 }, null],
        ["limit.set", "limits/fleet", null, { rows: 1, bytes: null }],
        ["limit.set", "limits/tables/fam/counts", null, { warnBytes: 1, maxBytes: 2 }],
      ]);
    });

    test("change nothing when they are wrong", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openLimited(url, 5n);
      const { limits } = ctldb;
      const rate = (rows: bigint, bytesLimit: bigint | null = null) => ({ rows, bytes: bytesLimit });
      const wrong: ReadonlyArray<readonly [string, () => Promise<void>]> = [
        ["invalid_name", () => limits.setWriter("*", rate(1n))],
        ["invalid_name", () => limits.setWriter("", rate(1n))],
        ["invalid_name", () => limits.setWriter("x".repeat(51), rate(1n))],
        ["invalid_name", () => limits.resetWriter("a\nb")],
        ["invalid_value", () => limits.setWriter(WRITER, rate(-1n))],
        ["invalid_value", () => limits.setWriter(WRITER, rate(2n ** 63n))],
        ["invalid_value", () => limits.setWriter(WRITER, rate(1n, -1n))],
        ["invalid_value", () => limits.setFleet(rate(-1n))],
        ["invalid_value", () => limits.setTable(FAMILY, COUNTS, { warnBytes: 3n, maxBytes: 2n })],
        ["invalid_value", () => limits.setTable(FAMILY, COUNTS, { warnBytes: -1n, maxBytes: 2n })],
        ["unknown_table", () => limits.setTable(FAMILY, "absent" as never, { warnBytes: 1n, maxBytes: 2n })],
        ["unknown_family", () => limits.setTable("absent" as never, COUNTS, { warnBytes: 1n, maxBytes: 2n })],
      ];
      for (const [code, change] of wrong) expect((await failureOf(change())).code).toBe(code as never);
      expect([await limits.writers(), await limits.tables(), await limits.fleet()]).toEqual([[], [], null]);
      expect((await ctldb.audit.read({ limit: 10, action: "limit.set" })).entries).toEqual([]);
    });

    test("D13 of a table hold whatever the case in which the original stored its name", async () => {
      const url = await target.createDatabase();
      await using ctldb = await openLimited(url, null);
      await target.sql(
        url,
        "INSERT INTO max_table_sizes (family_name, table_name, warn_size_bytes, max_size_bytes) VALUES ('Fam', 'COUNTS', 1, 2)",
      );
      const stored = { family: FAMILY, table: COUNTS, limit: { warnBytes: 1n, maxBytes: 2n } };
      expect(await ctldb.limits.tables()).toEqual([stored]);
      await ctldb.limits.setTable(FAMILY, COUNTS, { warnBytes: 3n, maxBytes: 4n });
      expect(await rowsOf(url, "SELECT * FROM max_table_sizes")).toEqual([["fam", "counts", "3", "4"]]);
      await target.sql(url, "UPDATE max_table_sizes SET family_name = 'FAM'");
      await ctldb.limits.resetTable(FAMILY, COUNTS);
      expect(await ctldb.limits.tables()).toEqual([]);
    });

    test("hold, and are counted, in a ctldb whose tables do not have our columns yet", async () => {
      const url = await target.createDatabase();
      await (await openFilled(url))[Symbol.asyncDispose]();
      for (const [name, column] of [
        ["max_writer_rates", "max_bytes_per_minute"],
        ["writer_usage", "bytes"],
        ["locks", "policy_version"],
      ])
        await target.sql(url, `ALTER TABLE ${name} DROP COLUMN ${column}`);
      await target.sql(url, `INSERT INTO max_writer_rates VALUES ('${WRITER}', 2)`);
      await windowWith(8);
      await using ctldb = await open(url);
      await ctldb.write(request(batch("a", 2)));
      expect((await failureOf(ctldb.write(request(batch("b", 1))))).code).toBe("rate_limited");
      await ctldb.limits.setWriter(WRITER, { rows: 9n, bytes: 400n });
      expect(await ctldb.limits.writers()).toEqual([{ writer: WRITER, rate: { rows: 9n, bytes: 400n } }]);
      expect(await countedRows(url)).toEqual({ [WRITER]: 2, "*": 2 });
    });
  });
}
