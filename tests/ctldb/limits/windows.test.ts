/** Windows of rates under a clock that the test moves: where they end, what they forget, and when changes are seen. */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { RATE_LIMITS } from "../../../core/limits.ts";
import { parseWriterName, type WriterName } from "../../../core/names.ts";
import { type Logger, silentLogger } from "../../../core/process/logger.ts";
import { RATE_WINDOW_SECONDS, windowStart } from "../../../core/rates.ts";
import type { CtlDb } from "../../../ctldb/contract.ts";
import { openCtlDb } from "../../../ctldb/open.ts";
import { FakeClock } from "../../reflector/readiness/fake-clock.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { COUNTS, count, FAMILY, failureOf, request, SECRET, WRITER } from "../fixture.ts";
import { countedRows, rowsOf } from "./windows.ts";

const folder = tempFolder("rate-windows");
let databases = 0;

interface World extends AsyncDisposable {
  readonly url: string;
  readonly clock: FakeClock;
  readonly ctldb: CtlDb;
  /** Another Executive's. */
  readonly other: CtlDb;
  /** Who was limited, as the metrics are told. */
  readonly limited: string[];
  /** What the log says of refusals. */
  readonly logged: Record<string, unknown>[];
}

/** A ctldb whose writers may write ten rows a minute, in a minute that began this moment. */
async function openWorld(): Promise<World> {
  databases += 1;
  const url = `sqlite:${folder.file(`${databases}.db`)}`;
  const clock = new FakeClock();
  const limited: string[] = [];
  const logged: Record<string, unknown>[] = [];
  const logger: Logger = {
    ...silentLogger,
    warn: (fields: Record<string, unknown>) => void logged.push(fields),
  };
  const open = () =>
    openCtlDb(
      url,
      { clock, logger },
      {
        defaults: { writer: { rows: 10n, bytes: null } },
        onRefused: { rateLimited: (scope) => limited.push(scope), tableFull: () => {} },
      },
    );
  const [ctldb, other] = [await open(), await open()];
  await ctldb.createFamily(FAMILY);
  await ctldb.createTables([COUNTS]);
  await ctldb.writers.register(WRITER, SECRET);
  await toNextWindow(clock);
  return {
    ...{ url, clock, ctldb, other, limited, logged },
    async [Symbol.asyncDispose]() {
      await ctldb[Symbol.asyncDispose]();
      await other[Symbol.asyncDispose]();
    },
  };
}

function secondsOf(clock: FakeClock): number {
  return Math.floor(clock.nowUs() / 1_000_000);
}

async function toNextWindow(clock: FakeClock): Promise<void> {
  const now = secondsOf(clock);
  await clock.advance((windowStart(now) + RATE_WINDOW_SECONDS - now) * 1000);
}

function rowsToWrite(n: number) {
  return request(Array.from({ length: n }, (_, i) => count(`n${i}`, i)));
}

describe("a window of a rate", () => {
  test("D11 ends with the minute of the ctldb's clock, and says so to the second", async () => {
    await using world = await openWorld();
    const { clock, ctldb, url } = world;
    await ctldb.write(rowsToWrite(10));
    const first = (await ctldb.limits.usage()).windowStart;
    expect(first).toBe(secondsOf(clock));
    for (const [seconds, left] of [
      [0, 60],
      [20, 40],
      [39, 1],
    ] as const) {
      await clock.advance(seconds * 1000);
      expect((await failureOf(ctldb.write(rowsToWrite(1)))).details.retryAfterSeconds).toBe(left);
    }
    await clock.advance(1000);
    await ctldb.write(rowsToWrite(10));
    expect((await failureOf(ctldb.write(rowsToWrite(1)))).code).toBe("rate_limited");
    expect(
      await rowsOf(url, "SELECT bucket, amount FROM writer_usage WHERE writer_name <> '*' ORDER BY bucket"),
    ).toEqual([
      [`${first}`, "10"],
      [`${first + 60}`, "10"],
    ]);
  });

  test("is shared by all Executives, and no row of it is given out twice", async () => {
    await using world = await openWorld();
    const { clock, ctldb, other, url } = world;
    for (let minute = 1; minute <= 3; minute++) {
      const writes = Array.from({ length: 30 }, (_, i) =>
        (i % 2 === 0 ? ctldb : other).write(rowsToWrite(1)),
      );
      const ends = await Promise.allSettled(writes);
      expect(ends.filter(({ status }) => status === "fulfilled")).toHaveLength(10);
      expect(await countedRows(url)).toEqual({ [WRITER]: 10 * minute, "*": 10 * minute });
      await toNextWindow(clock);
    }
  });

  test("is forgotten after an hour and a little, and never before", async () => {
    await using world = await openWorld();
    const { clock, ctldb, url } = world;
    const { keepWindows, cleanEveryWindows } = RATE_LIMITS;
    const first = secondsOf(clock);
    const oldest = async () =>
      Number((await rowsOf(url, "SELECT MIN(bucket) FROM writer_usage"))[0]?.[0] ?? Number.NaN);
    const ages: number[] = [];
    for (let minute = 0; minute < 2 * keepWindows; minute++) {
      await ctldb.write(rowsToWrite(1));
      const kept = (secondsOf(clock) - (await oldest())) / RATE_WINDOW_SECONDS;
      expect(kept).toBe(minute < keepWindows ? minute : kept);
      ages.push(kept);
      await toNextWindow(clock);
    }
    expect(await oldest()).toBeGreaterThan(first);
    const later = ages.slice(keepWindows);
    expect(Math.min(...later)).toBe(keepWindows);
    expect(Math.max(...later)).toBe(keepWindows + cleanEveryWindows - 1);
  });

  test("is forgotten and given out as ever when the ctldb's clock was a year ahead for a moment", async () => {
    await using world = await openWorld();
    const { clock, ctldb, url } = world;
    const { keepWindows, cleanEveryWindows } = RATE_LIMITS;
    await ctldb.write(rowsToWrite(3));
    clock.setByUs = 365 * 24 * 3_600_000_000;
    await ctldb.write(rowsToWrite(10));
    clock.setByUs = 0;
    await ctldb.write(rowsToWrite(10));
    expect((await failureOf(ctldb.write(rowsToWrite(1)))).code).toBe("rate_limited");
    for (let minute = 0; minute < keepWindows + 2 * cleanEveryWindows; minute++) {
      await toNextWindow(clock);
      await ctldb.write(rowsToWrite(1));
    }
    const kept = await rowsOf(url, `SELECT bucket FROM writer_usage WHERE writer_name = '${WRITER}'`);
    expect(kept.length).toBeLessThanOrEqual(keepWindows + cleanEveryWindows);
    expect(kept.every(([bucket]) => Number(bucket) <= secondsOf(clock))).toBe(true);
  });

  test("is reported with who used it, the busiest first, and what each may", async () => {
    await using world = await openWorld();
    const { clock, ctldb, other } = world;
    const writers = ["idle", "busy", "also busy"].map(parseWriterName);
    for (const writer of writers) await ctldb.writers.register(writer, SECRET);
    await ctldb.limits.setWriter("busy", { rows: 20n, bytes: null });
    await ctldb.limits.setFleet({ rows: 100n, bytes: 5_000n });
    await ctldb.write(rowsToWrite(3));
    for (const [name, n] of [
      ["busy", 7],
      ["also busy", 7],
    ] as const)
      await ctldb.write(request(rowsToWrite(n).mutations, { writer: parseWriterName(name) }));
    const { windowStart: start, fleet, writers: used } = await other.limits.usage();
    expect(start).toBe(windowStart(secondsOf(clock)));
    expect(used.map(({ writer, rows, rate }) => [writer, rows, rate.rows])).toEqual([
      ["also busy", 7n, 10n],
      ["busy", 7n, 20n],
      [WRITER, 3n, 10n],
    ]);
    expect(fleet.rate).toEqual({ rows: 100n, bytes: 5_000n });
    expect([fleet.rows, fleet.bytes]).toEqual([17n, used.reduce((sum, { bytes }) => sum + bytes, 0n)]);
    await toNextWindow(clock);
    expect(await other.limits.usage()).toMatchObject({ fleet: { rows: 0n, bytes: 0n }, writers: [] });
  });

  test("R34 is asked about without the ledger lock for a moment once it is used up, and then again", async () => {
    await using world = await openWorld();
    const { clock, ctldb, other, url, limited } = world;
    const locks = async () => Number((await rowsOf(url, "SELECT clock FROM locks"))[0]?.[0]);
    await ctldb.write(rowsToWrite(8));
    const refuse = async (code: string, n = 3) =>
      expect((await failureOf(ctldb.write(rowsToWrite(n)))).code).toBe(code as never);
    await refuse("rate_limited");
    await other.limits.setWriter(WRITER, { rows: 20n, bytes: null });
    const before = await locks();
    for (let i = 0; i < 50; i++) await refuse("rate_limited");
    expect(await locks()).toBe(before);
    expect(limited).toEqual(Array(51).fill("writer"));
    // What is left is still given out.
    await ctldb.write(rowsToWrite(2));
    await clock.advance(RATE_LIMITS.spentMs);
    await ctldb.write(rowsToWrite(3));
    expect(await countedRows(url)).toEqual({ [WRITER]: 13, "*": 13 });
  });

  test.each([
    ["not_granted", 0n],
    ["too_many_mutations", 2n],
  ] as const)("R34 is not asked about for every request when all of them get %s", async (code, rows) => {
    await using world = await openWorld();
    const { ctldb, other, url } = world;
    await other.limits.setWriter(WRITER, { rows, bytes: null });
    const locks = () => rowsOf(url, "SELECT clock FROM locks");
    const refuse = async () => expect((await failureOf(ctldb.write(rowsToWrite(3)))).code).toBe(code);
    await refuse();
    const before = await locks();
    for (let i = 0; i < 20; i++) await refuse();
    expect(await locks()).toEqual(before);
    // Changed here, it holds at once.
    await ctldb.limits.resetWriter(WRITER);
    await ctldb.write(rowsToWrite(3));
  });

  test("R34 is not believed to be used up in the second in which it may end", async () => {
    await using world = await openWorld();
    const { clock, ctldb } = world;
    await clock.advance(59_500);
    await ctldb.write(rowsToWrite(10));
    expect((await failureOf(ctldb.write(rowsToWrite(1)))).code).toBe("rate_limited");
    await clock.advance(RATE_LIMITS.spentMs - 50);
    expect((await failureOf(ctldb.write(rowsToWrite(1)))).details.retryAfterSeconds).toBe(1);
    await clock.advance(RATE_LIMITS.spentMs + 50);
    await ctldb.write(rowsToWrite(10));
  });

  test("R34 is said in the log once for each writer, and of so many writers at most, when it is used up", async () => {
    await using world = await openWorld();
    const { clock, ctldb, logged } = world;
    const flood = async (writer: WriterName) => {
      for (let i = 0; i < 3; i++) {
        await failureOf(ctldb.write(request([count("x")], { writer })));
        await clock.advance(RATE_LIMITS.spentMs);
      }
    };
    await ctldb.write(rowsToWrite(10));
    await flood(WRITER);
    expect(logged).toEqual([
      {
        scope: "writer",
        writer: WRITER,
        code: "rate_limited",
        rowsPerMinute: 10,
        bytesPerMinute: null,
        usedRows: 10,
      },
    ]);
    await ctldb.limits.setWriter("many:*", { rows: 0n, bytes: null });
    const many = Array.from({ length: RATE_LIMITS.loggedPerWindow + 5 }, (_, i) =>
      parseWriterName(`many:${i}`),
    );
    for (const writer of many) await ctldb.writers.register(writer, SECRET);
    await Promise.all(many.map((writer) => failureOf(ctldb.write(request([count("x")], { writer })))));
    expect(logged).toHaveLength(RATE_LIMITS.loggedPerWindow);
    await toNextWindow(clock);
    await ctldb.write(rowsToWrite(10));
    await flood(WRITER);
    expect(logged).toHaveLength(RATE_LIMITS.loggedPerWindow + 1);
  });

  test("has the limit that the original's Executive set a second ago", async () => {
    await using world = await openWorld();
    const { clock, ctldb, url } = world;
    await ctldb.write(rowsToWrite(1));
    changeBehind(
      url,
      `INSERT INTO max_writer_rates (writer_name, max_rows_per_minute) VALUES ('${WRITER}', 3)`,
    );
    await clock.advance(RATE_LIMITS.policyAgeMs);
    expect((await failureOf(ctldb.write(rowsToWrite(4)))).code).toBe("too_many_mutations");
    changeBehind(url, "UPDATE max_writer_rates SET max_rows_per_minute = -5");
    await clock.advance(RATE_LIMITS.policyAgeMs);
    expect((await failureOf(ctldb.write(rowsToWrite(1)))).code).toBe("not_granted");
    changeBehind(url, `UPDATE max_writer_rates SET max_rows_per_minute = ${2n ** 63n - 1n}`);
    await clock.advance(RATE_LIMITS.policyAgeMs);
    await ctldb.write(rowsToWrite(100));
  });
});

function changeBehind(url: string, sql: string): void {
  using db = new Database(url.slice("sqlite:".length));
  db.run(sql);
}
