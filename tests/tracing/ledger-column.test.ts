/** The ledger's place for traces: added to what is there, missing where nobody may add it, and asked for only when wanted (B8). */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { systemClock } from "../../core/process/clock.ts";
import { openTracing } from "../../core/process/tracing/open.ts";
import { readTraceSettings } from "../../core/process/tracing/settings.ts";
import type { Span } from "../../core/process/tracing/tracer.ts";
import { type Sequence, toSequence } from "../../core/sequence.ts";
import { openLedgerSource } from "../../ctldb/open.ts";
import { count, DEPS, open, openFilled, request } from "../ctldb/fixture.ts";
import { mysqlQuery, mysqlScript } from "../ctldb/mysql-target.ts";
import { sharedMariadb } from "../support/mariadb.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { startCollector } from "./collector.ts";

const DROP = "ALTER TABLE ctlstore_dml_ledger DROP COLUMN trace";
const ZERO: Sequence = toSequence(0n);

/** A span that is kept, of a tracer whose collector nobody looks at. */
async function withSpan(use: (span: Span) => Promise<void>): Promise<void> {
  await using collector = startCollector();
  const { settings } = readTraceSettings("test", { otlpEndpoint: collector.url }, {});
  if (settings === null) throw new Error("nothing is traced");
  await using tracing = openTracing(settings, DEPS);
  await use(tracing.start("test"));
}

interface Place {
  readonly url: string;
  sql(statement: string): Promise<void>;
}

const TARGETS: readonly {
  readonly name: string;
  run(use: (place: Place) => Promise<void>): Promise<void>;
}[] = [
  {
    name: "SQLite",
    async run(use) {
      using folder = tempFolder("trace-column");
      const path = folder.file("ctldb.db");
      await use({
        url: `sqlite:${path}`,
        async sql(statement) {
          using database = new Database(path);
          database.run(statement);
        },
      });
    },
  },
  {
    name: "MariaDB",
    async run(use) {
      const url = await (await sharedMariadb()).createDatabase();
      await use({ url, sql: (statement) => mysqlScript(url, [statement]) });
    },
  },
];

async function tracesAt(url: string, traces: boolean): Promise<readonly unknown[]> {
  await using source = openLedgerSource(url, DEPS, { traces });
  const { entries } = await source.poll(ZERO, 100);
  return entries.map(({ trace }) => trace);
}

for (const { name, run } of TARGETS) {
  describe(`a ledger on ${name}`, () => {
    test("gives traces to whoever asks for them, and to nobody else", () =>
      run(async ({ url }) => {
        await using ctldb = await openFilled(url);
        await ctldb.write(request([count("untraced")]));
        await withSpan(async (span) => {
          await ctldb.write(request([count("a"), count("b")], { span }));
        });
        const traces = await tracesAt(url, true);
        const created = [undefined, undefined]; // two tables
        expect(traces.slice(0, 3)).toEqual([...created, undefined]);
        expect(new Set(traces.slice(3)).size).toBe(1);
        expect(traces.slice(3)).toEqual(
          Array(4).fill(expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)),
        );
        expect(await tracesAt(url, false)).toEqual(Array(7).fill(undefined));
      }));

    test("is read without traces when it has no place for them, and with them once an Executive has made it", () =>
      run(async ({ url, sql }) => {
        const before = await openFilled(url);
        await before.write(request([count("early")]));
        await before[Symbol.asyncDispose]();
        await sql(DROP);
        const clock = { ...systemClock, nowMs: 0, monotonicMs: () => clock.nowMs };
        await using source = openLedgerSource(url, { ...DEPS, clock }, { traces: true });
        expect((await source.poll(ZERO, 100)).entries.map(({ trace }) => trace)).toEqual(
          Array(3).fill(undefined),
        );
        await using ctldb = await open(url);
        await withSpan(async (span) => {
          await ctldb.write(request([count("late")], { span }));
        });
        // On MySQL it is looked at again every half minute.
        clock.nowMs += 31_000;
        const { entries } = await source.poll(ZERO, 100);
        expect(entries.map(({ trace }) => typeof trace)).toEqual([...Array(3).fill("undefined"), "string"]);
      }));
  });
}

describe("a ledger on MariaDB", () => {
  test("without a place for traces is followed by a user who may only read", async () => {
    const server = await sharedMariadb();
    const url = new URL(await server.createDatabase());
    const ctldb = await openFilled(url.href);
    await ctldb.write(request([count("a")]));
    await ctldb[Symbol.asyncDispose]();
    await mysqlScript(url.href, [DROP]);
    await server.admin("CREATE USER IF NOT EXISTS 'tracereader'@'127.0.0.1' IDENTIFIED BY 'tracereader'");
    await server.admin(`GRANT SELECT ON ${url.pathname.slice(1)}.* TO 'tracereader'@'127.0.0.1'`);
    url.username = "tracereader";
    url.password = "tracereader";
    expect(await tracesAt(url.href, true)).toEqual(Array(3).fill(undefined));
    expect(await tracesAt(url.href, false)).toEqual(Array(3).fill(undefined));
  });

  test("is written by the original's Executive too, whose entries have no trace", async () => {
    const url = await (await sharedMariadb()).createDatabase();
    await using ctldb = await openFilled(url);
    await withSpan(async (span) => {
      await ctldb.write(request([count("ours")], { span }));
    });
    // As the original writes: its columns and no other.
    await mysqlScript(url, [
      "INSERT INTO ctlstore_dml_ledger (leader_ts, statement) VALUES (NOW(), 'REPLACE INTO fam___counts (\"name\",\"count\") VALUES(''theirs'',1)')",
    ]);
    await ctldb.write(request([count("after")]));
    const rows = await mysqlQuery(
      url,
      "SELECT trace IS NULL, hash IS NULL FROM ctlstore_dml_ledger ORDER BY seq DESC LIMIT 3",
    );
    expect(rows.map((row) => row.map(Number))).toEqual([
      [1, 0],
      [1, 1],
      [0, 0],
    ]);
  });
});
