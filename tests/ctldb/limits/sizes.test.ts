/** Measuring in the background: who tells a crossing, what happens when measuring fails, and that nobody waits for it. */
import { Database } from "bun:sqlite";
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { CtlstoreError } from "../../../core/errors.ts";
import { CTLDB_TIMEOUTS, SIZE_WATCH_LIMITS } from "../../../core/limits.ts";
import { parseFieldName, parseTableName } from "../../../core/names.ts";
import { type Clock, systemClock } from "../../../core/process/clock.ts";
import type { TableSchema } from "../../../core/schema.ts";
import type { SizeLimit } from "../../../ctldb/limits/contract.ts";
import { SizeCrossings } from "../../../ctldb/limits/size-crossings.ts";
import { type SizesReport, TableSizes } from "../../../ctldb/limits/sizes.ts";
import { openSqliteStore } from "../../../ctldb/sqlite/store.ts";
import { SqliteTableSizes } from "../../../ctldb/sqlite/table-sizes.ts";
import type { LedgerStore } from "../../../ctldb/store.ts";
import { recordingLogger } from "../../reflector/readiness/recording-logger.ts";
import { sharedMariadb } from "../../support/mariadb.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { until } from "../../support/until.ts";
import { DEPS, FAMILY, failureOf, open, openFilled, remove, request, table, upsert } from "../fixture.ts";

setDefaultTimeout(60_000);

const KIB = 1024;
const LIMIT: SizeLimit = { warnBytes: BigInt(100 * KIB), maxBytes: BigInt(300 * KIB) };
const folder = tempFolder("sizes");
let databases = 0;

function sqliteUrl(): string {
  databases += 1;
  return `sqlite:${folder.file(`${databases}.db`)}`;
}

const tables = Array.from({ length: 6 }, (_, i) =>
  table(`notes${i}`, {
    fields: [
      ["id", "string"],
      ["note", "text"],
    ],
    keyFields: ["id"],
  }),
);
const rows = (name: string, chars: number) =>
  request(Array.from({ length: 20 }, (_, id) => upsert(name, { id: String(id), note: "n".repeat(chars) })));
const noRows = (name: string) =>
  request(Array.from({ length: 20 }, (_, id) => remove(name, { id: String(id) })));

for (const target of [
  { name: "SQLite", url: async () => sqliteUrl() },
  { name: "MariaDB", url: async () => (await sharedMariadb()).createDatabase() },
]) {
  describe(`crossings of size limits on ${target.name}`, () => {
    test("are told once each when three Executives see all of them (R35)", async () => {
      const url = await target.url();
      const told: string[] = [];
      const last: Array<SizesReport | undefined> = [];
      const options = (executive: number) => ({
        defaults: { table: LIMIT },
        tableSizes: {
          intervalMs: 15,
          onReport: (report: SizesReport) => {
            last[executive] = report;
            for (const { table: name, from, to } of report.crossings) told.push(`${name} ${from} ${to}`);
          },
        },
      });
      const untilAll = (state: string) =>
        until(
          () =>
            [0, 1, 2].every((executive) =>
              last[executive]?.sizes.every((size) => !size.table.startsWith("notes") || size.state === state),
            ),
          { what: `all to see ${state}`, deadlineMs: 40_000 },
        );
      // After what all have seen, each looks once more at least.
      const settledRounds = async () => {
        const seen = [...last];
        await until(() => last.every((report, i) => report !== seen[i]), { what: "one more round of all" });
      };
      await using first = await openFilled(url, options(0));
      await first.createTables(tables);
      await using second = await open(url, options(1));
      await using third = await open(url, options(2));
      const expected: string[] = [];
      for (const [chars, state, before] of [
        [7 * KIB, "warn", "ok"],
        [20 * KIB, "full", "warn"],
      ] as const) {
        for (const { table: name } of tables) await first.write(rows(name, chars));
        expected.push(...tables.map(({ table: name }) => `${name} ${before} ${state}`));
        await untilAll(state);
        await settledRounds();
        expect([...told].sort()).toEqual([...expected].sort());
      }
      for (const { table: name } of tables) await second.write(noRows(name));
      await untilAll("ok");
      await settledRounds();
      // On the way down a round may see a table between its limits.
      for (const { table: name } of tables) {
        const down = told.filter((line) => line.startsWith(`${name} `)).slice(2);
        expect([[`${name} full ok`], [`${name} full warn`, `${name} warn ok`]]).toContainEqual(down);
      }
      expect((await third.limits.sizes()).length).toBe(8);
    });
  });
}

const NOTES = table("notes", {
  fields: [
    ["id", "string"],
    ["note", "text"],
  ],
  keyFields: ["id"],
});
const FULL: SizeLimit = { warnBytes: 1n, maxBytes: 1n };

/** A real ctldb whose store fails when it is told to. */
async function faultyWorld(clock: Clock = systemClock, intervalMs = 5) {
  const url = sqliteUrl();
  const ctldb = await openFilled(url);
  await ctldb.createTables([NOTES]);
  const store = await openSqliteStore(url.slice("sqlite:".length), CTLDB_TIMEOUTS, DEPS);
  const faults = { measure: false, loseAnswers: false, catalog: false };
  const away = () => new CtlstoreError("ctldb_unavailable", "Cannot do it: the test says so");
  const failing: Pick<LedgerStore, "measureTables" | "readHead" | "query" | "execute"> = {
    readHead: () => store.readHead(),
    query: (sql) => store.query(sql),
    async execute(sql) {
      const changed = await store.execute(sql);
      if (faults.loseAnswers) throw away();
      return changed;
    },
    async measureTables(signal) {
      if (faults.measure) throw away();
      return store.measureTables(signal);
    },
  };
  const { logger, lines } = recordingLogger();
  const reports: SizesReport[] = [];
  const limit = { of: FULL as SizeLimit | null };
  const sizes = new TableSizes(
    {
      store: failing,
      clock,
      logger,
      catalog: () => ctldb.catalog(),
      limits: async () => ({
        tableLimit: (schema: TableSchema) => (schema.table === NOTES.table ? limit.of : null),
      }),
    },
    { intervalMs, onReport: (report) => void reports.push(report) },
  );
  return {
    ctldb,
    store,
    sizes,
    faults,
    lines,
    reports,
    limit,
    async [Symbol.asyncDispose]() {
      await sizes.stop();
      await store[Symbol.asyncDispose]();
      await ctldb[Symbol.asyncDispose]();
    },
  };
}

describe("measuring", () => {
  test("keeps the last figures and says so once when the ctldb is away, and goes on when it is back", async () => {
    await using it = await faultyWorld();
    it.sizes.start();
    await until(() => it.sizes.isFull(NOTES, FULL), { what: "the first figure" });
    it.faults.measure = true;
    await until(() => it.lines.length > 0, { what: "the failure to be told" });
    const rounds = it.reports.length;
    const before = it.sizes.bytesOf(NOTES);
    expect(before).toBeGreaterThan(0n);
    it.faults.measure = false;
    await until(() => it.reports.length > rounds + 2, { what: "more rounds" });
    expect(it.lines.map(({ level, message }) => `${level} ${message}`)).toEqual([
      "warn cannot measure the tables",
      "info tables are measured again",
    ]);
    expect(it.sizes.bytesOf(NOTES)).toBe(before);
  });

  test("refuses nothing with a figure that is too old", async () => {
    const now = { offsetMs: 0 };
    const clock: Clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + now.offsetMs };
    await using it = await faultyWorld(clock);
    it.sizes.start();
    await until(() => it.sizes.isFull(NOTES, FULL), { what: "the first figure" });
    it.faults.measure = true;
    await until(() => it.lines.length > 0, { what: "the failure to be told" });
    now.offsetMs = SIZE_WATCH_LIMITS.staleMs - 30_000;
    expect(it.sizes.isFull(NOTES, FULL)).toBe(true);
    now.offsetMs = SIZE_WATCH_LIMITS.staleMs + 60_000;
    expect(it.sizes.isFull(NOTES, FULL)).toBe(false);
    const listed = (await it.sizes.list()).find((size) => size.table === NOTES.table);
    expect({ bytes: listed?.bytes, state: listed?.state }).toEqual({ bytes: null, state: "unmeasured" });
  });

  test("trusts a figure until the next one is long due when the pauses between two are long (R35)", async () => {
    const now = { offsetMs: 0 };
    const clock: Clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + now.offsetMs };
    const intervalMs = 3_600_000;
    await using it = await faultyWorld(clock, intervalMs);
    it.sizes.start();
    await until(() => it.sizes.isFull(NOTES, FULL), { what: "the first figure" });
    now.offsetMs = intervalMs - 30_000;
    expect(it.sizes.isFull(NOTES, FULL)).toBe(true);
    now.offsetMs = intervalMs + SIZE_WATCH_LIMITS.staleMs + 60_000;
    expect(it.sizes.isFull(NOTES, FULL)).toBe(false);
  });

  test("tells a crossing once when the answer to its claim is lost (R35)", async () => {
    await using it = await faultyWorld();
    it.faults.loseAnswers = true;
    it.sizes.start();
    const crossings = () => it.reports.flatMap((report) => report.crossings.map(({ to }) => to));
    await until(() => crossings().length > 0, { what: "the crossing" });
    const rounds = it.reports.length;
    await until(() => it.reports.length > rounds + 3, { what: "more rounds" });
    expect(crossings()).toEqual(["full"]);
    it.limit.of = null;
    await until(() => crossings().length > 1, { what: "the limit to be gone" });
    expect(crossings()).toEqual(["full", "ok"]);
  });

  test("begins with the first question where nothing else asks for it, and is over when it is stopped", async () => {
    await using it = await faultyWorld();
    expect(it.sizes.isFull(NOTES, null)).toBe(false);
    expect(it.reports).toEqual([]);
    expect(it.sizes.isFull(NOTES, FULL)).toBe(false);
    await until(() => it.sizes.isFull(NOTES, FULL), { what: "a figure" });
    await it.sizes.stop();
    const rounds = it.reports.length;
    it.sizes.start();
    expect(it.sizes.isFull(NOTES, FULL)).toBe(true);
    expect((await it.sizes.list()).length).toBe(3);
    expect(it.reports.length).toBe(rounds);
  });

  test("comes before its time when a writer fills a table within seconds (R35)", async () => {
    const limit: SizeLimit = { warnBytes: 1n, maxBytes: BigInt(4 * KIB * KIB) };
    const options = { defaults: { table: limit }, tableSizes: { intervalMs: 3_600_000 } };
    await using ctldb = await openFilled(sqliteUrl(), options);
    await ctldb.createTables([NOTES]);
    expect((await ctldb.limits.sizes()).every(({ state }) => state !== "full")).toBe(true);
    for (let i = 0; i < 24; i++)
      await ctldb.write(request([upsert("notes", { id: String(i), note: "n".repeat(500 * KIB) })]));
    await until(async () => (await ctldb.limits.sizes())[0]?.state === "full", { what: "it to be full" });
    const more = request([upsert("notes", { id: "more", note: "" })]);
    expect((await failureOf(ctldb.write(more))).code).toBe("table_full");
  });

  test("forgets what was told of a table that is dropped, so that a new one of its name is told of anew", async () => {
    await using it = await faultyWorld();
    const crossings = new SizeCrossings(it.store);
    const facts = { family: FAMILY, table: NOTES.table, limit: FULL, bytes: 5n };
    const claim = async (...tables: (typeof facts)[]) => crossings.claim(await crossings.told(), tables, 1);
    expect((await claim(facts)).length).toBe(1);
    expect(await claim(facts)).toEqual([]);
    await it.ctldb.dropTable(FAMILY, NOTES.table);
    expect(await claim()).toEqual([]);
    await it.ctldb.createTables([NOTES]);
    expect((await claim(facts)).length).toBe(1);
  });

  test("does not take a crossing back when a slower Executive measured before it (R35)", async () => {
    await using it = await faultyWorld();
    const limit = { warnBytes: 100n, maxBytes: 200n };
    const of = (bytes: bigint) => [{ family: FAMILY, table: NOTES.table, limit, bytes }];
    const [quick, slow] = [new SizeCrossings(it.store), new SizeCrossings(it.store)];
    expect((await quick.claim(await quick.told(), of(150n), 1)).map(({ to }) => to)).toEqual(["warn"]);
    const toldBefore = await slow.told();
    expect((await quick.claim(await quick.told(), of(500n), 2)).map(({ to }) => to)).toEqual(["full"]);
    expect(await slow.claim(toldBefore, of(50n), 3)).toEqual([]);
    expect(await quick.claim(await quick.told(), of(500n), 4)).toEqual([]);
  });

  test("tells of a table by one limit where Executives were started with different ones (R35)", async () => {
    await using it = await faultyWorld();
    const facts = { family: FAMILY, table: NOTES.table, bytes: 500n };
    const low = { ...facts, limit: { warnBytes: 100n, maxBytes: 200n } };
    const high = { ...facts, limit: { warnBytes: 400n, maxBytes: 1_000n } };
    const [old, fresh] = [new SizeCrossings(it.store), new SizeCrossings(it.store)];
    const told: string[] = [];
    const look = async (crossings: SizeCrossings, table: typeof low) => {
      for (const { from, to } of await crossings.claim(await crossings.told(), [table], 1))
        told.push(`${from} ${to}`);
    };
    for (const round of [1, 2, 3]) {
      await look(old, low);
      await look(fresh, high);
      expect({ round, told }).toEqual({ round, told: ["ok full", "full warn"] });
    }
    // A limit that is set in the ctldb is one for all.
    const common = { ...facts, limit: { warnBytes: 10n, maxBytes: 20n } };
    for (const crossings of [old, fresh, old, fresh]) await look(crossings, common);
    expect(told.slice(2)).toEqual(["warn full"]);
  });

  test("compares no figure with a table that another Executive has made anew (D16)", async () => {
    await using it = await faultyWorld();
    it.sizes.start();
    await until(() => it.sizes.isFull(NOTES, FULL), { what: "a figure" });
    await it.sizes.stop();
    const locked = async () => {
      const taken = await it.store.begin([]);
      await taken.rollback();
      return { head: await it.store.readHead(), query: (sql: string) => it.store.query(sql) };
    };
    expect(await it.sizes.isSameTable(NOTES, await locked())).toBe(true);
    await it.ctldb.addFields(FAMILY, parseTableName("counts"), [
      { name: parseFieldName("more"), type: "text" },
    ]);
    expect(await it.sizes.isSameTable(NOTES, await locked())).toBe(true);
    await it.ctldb.dropTable(FAMILY, NOTES.table);
    await it.ctldb.createTables([NOTES]);
    expect(await it.sizes.isSameTable(NOTES, await locked())).toBe(false);
    expect(it.sizes.isFull(NOTES, FULL)).toBe(false);
  });
});

describe("a figure that is compared with the table", () => {
  test("is left alone when the tables are measured meanwhile (D16)", async () => {
    await using it = await faultyWorld();
    it.sizes.start();
    await until(() => it.sizes.isFull(NOTES, FULL), { what: "a figure" });
    it.faults.measure = true;
    await until(() => it.lines.length > 0, { what: "measuring to stand still" });
    await it.ctldb.dropTable(FAMILY, NOTES.table);
    await it.ctldb.createTables([NOTES]);
    const head = await it.store.readHead();
    const locked = {
      head,
      // Between the question and its answer there is a round that sees the new table.
      async query(sql: string) {
        const rounds = it.reports.length;
        await until(() => it.reports.length > rounds + 2, { what: "another round" });
        return it.store.query(sql);
      },
    };
    const comparing = it.sizes.isSameTable(NOTES, locked);
    it.faults.measure = false;
    expect(await comparing).toBe(false);
    await it.sizes.stop();
    expect(it.sizes.bytesOf(NOTES)).toBeGreaterThan(0n);
  });
});

describe("counting the pages of SQLite", () => {
  /** Time passes with each look at it, so that every slice is over when it is looked at. */
  function hurriedClock(): Clock {
    let nowMs = 0;
    return { ...systemClock, monotonicMs: () => (nowMs += SIZE_WATCH_LIMITS.sliceMs) };
  }

  async function filled() {
    const url = sqliteUrl();
    const path = url.slice("sqlite:".length);
    const ctldb = await openFilled(url);
    await ctldb.createTables([NOTES]);
    for (let i = 0; i < 10; i++) await ctldb.write(rows("notes", 40 * KIB - i));
    return { ctldb, path };
  }

  test("lets others have their turn, who may write meanwhile, and counts one state of the file (R21)", async () => {
    const { ctldb, path } = await filled();
    await using _ = ctldb;
    using counting = new SqliteTableSizes(path, hurriedClock());
    const signal = new AbortController().signal;
    const before = (await counting.measure(signal)).get("fam___notes");
    await ctldb.write(rows("notes", 30 * KIB));
    let isOver = false;
    let turns = 0;
    const count = () => {
      turns += 1;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    const measuring = counting.measure(signal).finally(() => {
      isOver = true;
    });
    await ctldb.write(noRows("notes"));
    const during = (await measuring).get("fam___notes") ?? 0n;
    expect(turns).toBeGreaterThan(3);
    expect(before).toBeGreaterThan(BigInt(20 * 40 * KIB));
    expect(during).toBeGreaterThan(BigInt(20 * 30 * KIB));
    const after = (await counting.measure(signal)).get("fam___notes");
    expect(after).toBeLessThan(BigInt(100 * KIB));
  });

  test("is not done again when nothing was written", async () => {
    const { ctldb, path } = await filled();
    await using _ = ctldb;
    using counting = new SqliteTableSizes(path, systemClock);
    const signal = new AbortController().signal;
    const first = await counting.measure(signal);
    expect(await counting.measure(signal)).toBe(first);
    await ctldb.write(rows("notes", 10));
    expect(await counting.measure(signal)).not.toBe(first);
  });

  test("leaves no transaction open when it is given up, and can be done again", async () => {
    const { ctldb, path } = await filled();
    await using _ = ctldb;
    using counting = new SqliteTableSizes(path, hurriedClock());
    const stopping = new AbortController();
    const measuring = counting.measure(stopping.signal).catch((error: unknown) => error);
    stopping.abort("enough");
    expect(await measuring).toBe("enough");
    await ctldb.write(noRows("notes"));
    using db = new Database(path);
    const [busy] = db.query<{ busy: number }, []>("PRAGMA wal_checkpoint(TRUNCATE)").all();
    expect(busy?.busy).toBe(0);
    expect((await counting.measure(new AbortController().signal)).get("fam___notes")).toBeLessThan(
      BigInt(100 * KIB),
    );
  });
});
