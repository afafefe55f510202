/** Limits, and what is used of them, as text for people. */
import type {
  FleetRateAnswer,
  RateAnswer,
  TableLimitsAnswer,
  TableSizesAnswer,
  UsageAnswer,
  WriterRatesAnswer,
} from "../core/wire/limits.ts";
import { textTable } from "./print.ts";
import { isUnlimited } from "./rate-options.ts";
import { bytesText } from "./snapshot-answer.ts";

type Amount = number | string | null | undefined;

/** From here on a limit is worth a look: there is time to raise it. */
export const NEAR_PERCENT = 80;

const BAR_CELLS = 10;

/** How much of a limit is used; null without a limit. */
export function percentOf(used: Amount, limit: Amount): number | null {
  if (used === null || used === undefined || limit === undefined || isUnlimited(limit)) return null;
  const most = BigInt(limit ?? 0);
  // Of nothing all is used.
  return most === 0n ? 100 : Number((BigInt(used) * 100n) / most);
}

function bar(percent: number | null): string {
  if (percent === null) return "-";
  const full = Math.min(BAR_CELLS, Math.floor((percent * BAR_CELLS) / 100));
  return `${"#".repeat(full)}${".".repeat(BAR_CELLS - full)} ${percent} %`;
}

function size(bytes: Amount): string {
  return bytes === null || bytes === undefined ? "none" : bytesText(Number(bytes));
}

function rows(amount: Amount): string {
  return amount === undefined || isUnlimited(amount) ? "none" : String(amount);
}

export function rateCells(rate: RateAnswer | null): [rows: string, bytes: string] {
  return [rows(rate?.amount), size(rate?.bytes)];
}

export function writerRateLines({ global, writers }: WriterRatesAnswer): string[] {
  return textTable(
    ["writer", "rows/minute", "bytes/minute"],
    [
      ["(default)", ...rateCells(global)],
      ...writers.map((one) => [one.writer, ...rateCells(one["rate-limit"])]),
    ],
  );
}

export function fleetRateLines({ "rate-limit": rate, source }: FleetRateAnswer): string[] {
  const name = source === "default" ? "all together (default)" : "all together";
  return textTable(["writer", "rows/minute", "bytes/minute"], [[name, ...rateCells(rate)]]);
}

export function tableLimitLines({ global, tables }: TableLimitsAnswer): string[] {
  const cells = (limit: TableLimitsAnswer["global"]) => [size(limit["warn-size"]), size(limit["max-size"])];
  return textTable(
    ["table", "warn", "max"],
    [["(default)", ...cells(global)], ...tables.map((one) => [`${one.family}/${one.table}`, ...cells(one)])],
  );
}

export function usageLines({ fleet, writers }: UsageAnswer): string[] {
  const all = [...writers, { writer: "(all together)", ...fleet }];
  return textTable(
    ["writer", "rows", "of", "used", "bytes", "of", "used"],
    all.map(({ writer, rows: used, bytes, "rate-limit": rate }) => {
      const [rowLimit, byteLimit] = rateCells(rate);
      const parts = [bar(percentOf(used, rate?.amount)), bar(percentOf(bytes, rate?.bytes))];
      return [writer, String(used), rowLimit, parts[0] ?? "", size(bytes), byteLimit, parts[1] ?? ""];
    }),
  );
}

export function sizeLines({ tables }: TableSizesAnswer): string[] {
  return textTable(
    ["table", "size", "warn", "max", "used", "state"],
    tables.map((one) => [
      `${one.family}/${one.table}`,
      one.bytes === null ? "-" : size(one.bytes),
      size(one["warn-size"]),
      size(one["max-size"]),
      bar(percentOf(one.bytes, one["max-size"])),
      one.state,
    ]),
  );
}

/** A limit that is nearly, or wholly, used up. */
export interface NearLimit {
  readonly of: "rows" | "bytes" | "size";
  /** A writer, `all writers`, or a table. */
  readonly name: string;
  readonly percent: number;
  readonly used: number | string;
  readonly limit: number | string;
}

/** None is the usual answer. */
export function nearLimits({ fleet, writers }: UsageAnswer, { tables }: TableSizesAnswer): NearLimit[] {
  const near: NearLimit[] = [];
  const look = (of: NearLimit["of"], name: string, used: Amount, limit: Amount) => {
    const percent = percentOf(used, limit);
    if (percent === null || percent < NEAR_PERCENT) return;
    near.push({ of, name, percent, used: used ?? 0, limit: limit ?? 0 });
  };
  for (const { writer, ...one } of [...writers, { writer: "all writers", ...fleet }]) {
    look("rows", writer, one.rows, one["rate-limit"]?.amount);
    look("bytes", writer, one.bytes, one["rate-limit"]?.bytes);
  }
  for (const one of tables) look("size", `${one.family}/${one.table}`, one.bytes, one["max-size"]);
  return near;
}

export function nearLimitText({ of, name, percent, used, limit }: NearLimit): string {
  const what = of === "size" ? "its largest size" : `its ${of} of this minute`;
  const amounts = of === "rows" ? `${used} of ${limit}` : `${size(used)} of ${size(limit)}`;
  return `${name} has used ${percent} % of ${what} (${amounts})`;
}
