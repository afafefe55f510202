/** What an Executive shows, logs and sends of its tables' sizes. */
import { describe, expect, test } from "bun:test";
import { SIZE_WATCH_LIMITS } from "../../../core/limits.ts";
import { parseFamilyName, parseTableName } from "../../../core/names.ts";
import { type Clock, systemClock } from "../../../core/process/clock.ts";
import { createMetrics } from "../../../core/process/metrics.ts";
import type { SizeLimit, TableSize } from "../../../ctldb/limits/contract.ts";
import type { SizeCrossing } from "../../../ctldb/limits/size-crossings.ts";
import { sizeState } from "../../../ctldb/limits/size-states.ts";
import { createSizeWatch } from "../../../server/size-watch/size-watch.ts";
import { recordingLogger } from "../../reflector/readiness/recording-logger.ts";
import { listenPlainly } from "../../support/http-server.ts";
import { until } from "../../support/until.ts";

const FAMILY = parseFamilyName("fam");
const LIMIT: SizeLimit = { warnBytes: 1_000n, maxBytes: 2_000n };

function sizeOf(name: string, bytes: bigint | null, limit: SizeLimit | null = LIMIT): TableSize {
  const state = bytes === null ? "unmeasured" : sizeState(bytes, limit);
  return { family: FAMILY, table: parseTableName(name), bytes, limit, state };
}

function crossing(more: Partial<SizeCrossing>): SizeCrossing {
  const table = parseTableName("notes");
  const atUs = Date.UTC(2026, 0, 2, 3, 4, 5, 678) * 1_000;
  return { family: FAMILY, table, from: "ok", to: "warn", bytes: 1_500n, limit: LIMIT, atUs, ...more };
}

function watching({ webhook, isExpected = true }: { webhook?: string; isExpected?: boolean } = {}) {
  const now = { ms: 0 };
  const clock: Clock = { ...systemClock, monotonicMs: () => now.ms };
  const metrics = createMetrics();
  const { logger, lines } = recordingLogger();
  const watch = createSizeWatch({ metrics, clock, logger }, { webhook, executive: "host-1", isExpected });
  const series = async (name: string) =>
    (await metrics.render()).split("\n").filter((line) => line.startsWith(name));
  return { watch, now, lines, series };
}

describe("the sizes of tables", () => {
  test("have metrics at zero from the start, and an age that goes on while nobody measures", async () => {
    const { watch, now, series } = watching();
    expect(await series("ctlstore_executive_tables_over_limit")).toEqual([
      'ctlstore_executive_tables_over_limit{limit="warn"} 0',
      'ctlstore_executive_tables_over_limit{limit="max"} 0',
    ]);
    expect(await series("ctlstore_executive_webhook_failures_total")).toEqual([
      "ctlstore_executive_webhook_failures_total 0",
    ]);
    const age = () => series("ctlstore_executive_table_measure_age_seconds");
    now.ms = 30_000;
    expect(await age()).toEqual(["ctlstore_executive_table_measure_age_seconds 30"]);
    watch.onReport({ sizes: [], crossings: [] });
    now.ms = 31_500;
    expect(await age()).toEqual(["ctlstore_executive_table_measure_age_seconds 1.5"]);
    const idle = watching({ isExpected: false });
    idle.now.ms = 30_000;
    expect(await idle.series("ctlstore_executive_table_measure_age_seconds")).toEqual([
      "ctlstore_executive_table_measure_age_seconds 0",
    ]);
  });

  test("are shown of the tables that are on their way to a limit, of so many at most, and no longer than that", async () => {
    const { watch, series } = watching();
    const large = Array.from({ length: SIZE_WATCH_LIMITS.shownTables + 50 }, (_, i) =>
      sizeOf(`large${i}`, BigInt(5_000 - i)),
    );
    const few = [
      sizeOf("full", 2_001n),
      sizeOf("warn", 1_001n),
      sizeOf("near", 501n),
      sizeOf("free", 10n ** 15n, null),
      sizeOf("small", 500n),
      sizeOf("fresh", null),
    ];
    watch.onReport({ sizes: large, crossings: [] });
    const bytes = () => series("ctlstore_executive_table_bytes");
    expect((await bytes()).length).toBe(SIZE_WATCH_LIMITS.shownTables);
    expect((await bytes())[0]).toBe('ctlstore_executive_table_bytes{family="fam",table="large0"} 5000');
    watch.onReport({ sizes: few, crossings: [] });
    expect(await bytes()).toEqual(
      [
        ["full", 2_001],
        ["warn", 1_001],
        ["near", 501],
      ].map(([name, size]) => `ctlstore_executive_table_bytes{family="fam",table="${name}"} ${size}`),
    );
    expect(await series("ctlstore_executive_table_max_bytes")).toEqual(
      ["full", "warn", "near"].map(
        (name) => `ctlstore_executive_table_max_bytes{family="fam",table="${name}"} 2000`,
      ),
    );
    expect(await series("ctlstore_executive_tables_over_limit")).toEqual([
      'ctlstore_executive_tables_over_limit{limit="warn"} 2',
      'ctlstore_executive_tables_over_limit{limit="max"} 1',
    ]);
  });

  test("are logged once for each crossing, and sent to the webhook, exactly", async () => {
    const bodies: unknown[] = [];
    const server = listenPlainly("127.0.0.1:0", async (request) => {
      bodies.push(await request.json());
      return new Response("");
    });
    const { watch, lines } = watching({ webhook: `${server.url}/hook` });
    const huge = { warnBytes: 2n ** 53n - 1n, maxBytes: 2n ** 60n };
    watch.onReport({
      sizes: [],
      crossings: [
        crossing({}),
        crossing({ from: "warn", to: "full", bytes: 2n ** 61n + 1n, limit: huge }),
        crossing({ from: "full", to: "ok", bytes: 3n, limit: null }),
        // As where an Executive was started with --table-max-size none.
        crossing({ limit: { warnBytes: 1_000n, maxBytes: 2n ** 63n - 1n } }),
      ],
    });
    await until(() => bodies.length === 4, { what: "four calls" });
    await watch[Symbol.asyncDispose]();
    await server.stop(true);
    const common = { family: "fam", table: "notes", at: "2026-01-02T03:04:05.678Z", executive: "host-1" };
    expect(bodies).toEqual([
      { ...common, event: "table.warn", before: "ok", bytes: 1_500, warnSize: 1_000, maxSize: 2_000 },
      {
        ...common,
        event: "table.full",
        before: "warn",
        bytes: String(2n ** 61n + 1n),
        warnSize: 2 ** 53 - 1,
        maxSize: String(2n ** 60n),
      },
      { ...common, event: "table.ok", before: "full", bytes: 3, warnSize: null, maxSize: null },
      { ...common, event: "table.warn", before: "ok", bytes: 1_500, warnSize: 1_000, maxSize: null },
    ]);
    expect(lines.map(({ level, message, fields }) => `${level} ${message} (${fields["table"]})`)).toEqual([
      "warn table is over its warning size (notes)",
      "warn table is over its hard size limit: writes that make it grow are refused (notes)",
      "info table is below its warning size again (notes)",
      "warn table is over its warning size (notes)",
    ]);
    expect(lines.at(-1)?.fields).toMatchObject({ warnBytes: 1_000, maxBytes: null });
  });
});
