/**
 * The price of limits: an Executive with every limit on, each so high that it refuses nothing, takes turns with one that has
 * none, on databases of their own. Both count what they write; what was counted must be what was written.
 */
import { FLEET } from "../../ctldb/limits/fleet.ts";
import { countedRows, ledgerRows } from "../ctldb/limits/windows.ts";
import type { MysqlServer } from "../support/mysql-server.ts";
import { drive, LOAD_SECONDS, type Load, labelOf } from "./executive-load.ts";
import { startBenchExecutive } from "./executive-process.ts";
import { type Figure, inTurns, ratio } from "./report.ts";

/** Those for which limits are measured too: the most requests, the most rows, and one request at a time. */
const LOADS: readonly Load[] = [
  { writers: 1, rows: 1 },
  { writers: 32, rows: 1 },
  { writers: 8, rows: 100 },
];
const WRITERS = 32;
const ROUNDS = 7;
const LIMITS = [
  ...["--writer-rows-per-minute", "1000000000", "--writer-bytes-per-minute", "1TiB"],
  ...["--fleet-rows-per-minute", "1000000000", "--fleet-bytes-per-minute", "1TiB"],
  ...["--table-warn-size", "1TiB", "--table-max-size", "1TiB"],
];

export interface PriceOfLimits {
  readonly figures: readonly Figure[];
  /** Of each load, requests with limits for each without. */
  readonly ratios: ReadonlyMap<string, number>;
  readonly failures: number;
  /** Rows counted that were not written, or written and not counted. */
  readonly miscounted: number;
}

export async function measureLimits(
  mariadb: MysqlServer,
  progress: (text: string) => void,
): Promise<PriceOfLimits> {
  const databases = [await mariadb.createDatabase(), await mariadb.createDatabase()] as const;
  await using limited = await startBenchExecutive(databases[0], WRITERS, LIMITS);
  await using unlimited = await startBenchExecutive(databases[1], WRITERS);
  const figures: Figure[] = [];
  const ratios = new Map<string, number>();
  let failures = 0;
  for (const load of LOADS) {
    const label = labelOf(load);
    progress(`${label}, with limits and without`);
    const requests = async (url: string) => {
      const result = await drive(url, load);
      failures += result.failures;
      return result.requests / LOAD_SECONDS;
    };
    const rates = await inTurns(ROUNDS, {
      on: () => requests(limited.url),
      off: () => requests(unlimited.url),
    });
    figures.push({ name: `${label}: requests with limits`, unit: "/s", values: rates.on });
    figures.push({ name: `${label}: requests without, in turn with those`, unit: "/s", values: rates.off });
    ratios.set(label, ratio(rates.on, rates.off));
  }
  return { figures, ratios, failures, miscounted: await miscountedRows(databases[0]) };
}

/** What differs between the counts and the ledger. */
async function miscountedRows(database: string): Promise<number> {
  const counted = await countedRows(database);
  const written = await ledgerRows(database);
  const { [FLEET]: fleet = 0, ...writers } = counted;
  const all = Object.values(written).reduce((sum, rows) => sum + rows, 0);
  const differences = Object.keys({ ...written, ...writers }).map((writer) =>
    Math.abs((writers[writer] ?? 0) - (written[writer] ?? 0)),
  );
  return differences.reduce((sum, rows) => sum + rows, Math.abs(fleet - all));
}
