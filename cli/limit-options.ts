/** Options of the Executive about what writers may use: the defaults of limits (docs/limits.md). */
import { RATE_LIMITS, SCHEMA_LIMITS, TABLE_SIZE_LIMITS } from "../core/limits.ts";
import { NO_LIMIT } from "../core/rates.ts";
import type { LimitDefaults, SizeLimit } from "../ctldb/limits/contract.ts";
import { type OptionValues, option, switchOption } from "./options.ts";
import { byteSize, httpUrl, integer, orNone } from "./parsers.ts";

function amount(text: string): bigint {
  const parsed = /^\d{1,19}$/.test(text) ? BigInt(text) : NO_LIMIT + 1n;
  if (parsed > NO_LIMIT) throw new Error(`it must be a whole number, or none`);
  return parsed;
}

function rateOption(flag: string, whose: string, unit: "rows" | "bytes", fallback: bigint | null = null) {
  return option<bigint | null>({
    flag,
    placeholder: unit === "rows" ? "N" : "BYTES",
    help: `${unit} that ${whose} may write in a minute; none is no limit`,
    parse: orNone(unit === "rows" ? amount : byteSize),
    fallback,
    fallbackText: fallback === null ? "none" : String(fallback),
  });
}

function sizeOption(flag: string, help: string, fallbackBytes: number) {
  return option<bigint | null>({
    flag,
    placeholder: "BYTES",
    help: `${help}; none is no limit`,
    parse: orNone(byteSize),
    fallback: BigInt(fallbackBytes),
    fallbackText: `${fallbackBytes / 1024 / 1024}MiB`,
  });
}

/** Kept as it is given: to a receiver a slash at the end may matter. */
function webhookUrl(text: string): string {
  httpUrl(text);
  return text;
}

export const LIMIT_OPTIONS = {
  writerRowsPerMinute: rateOption(
    "writer-rows-per-minute",
    "a writer without a limit of its own",
    "rows",
    RATE_LIMITS.writerRowsPerMinute,
  ),
  writerBytesPerMinute: rateOption("writer-bytes-per-minute", "a writer without a limit of its own", "bytes"),
  fleetRowsPerMinute: rateOption("fleet-rows-per-minute", "all writers together", "rows"),
  fleetBytesPerMinute: rateOption("fleet-bytes-per-minute", "all writers together", "bytes"),
  tableWarnSize: sizeOption(
    "table-warn-size",
    "size of a table beyond which the log, a metric and the webhook say so, such as 50MiB; at most --table-max-size",
    TABLE_SIZE_LIMITS.warnBytes,
  ),
  tableMaxSize: sizeOption(
    "table-max-size",
    "size of a table beyond which writes that would make it grow are refused",
    TABLE_SIZE_LIMITS.maxBytes,
  ),
  tableSizeIntervalMs: option({
    flag: "table-size-interval-ms",
    placeholder: "MS",
    help: "pause between two measurements of the tables",
    parse: integer({ min: 100, max: 3_600_000 }),
    fallback: TABLE_SIZE_LIMITS.measureIntervalMs,
  }),
  webhook: option<string, undefined>({
    flag: "webhook",
    placeholder: "URL",
    help: "gets a POST when a table crosses a size limit; @FILE reads it from a file",
    parse: webhookUrl,
    // What makes such a URL hard to guess is a secret.
    secret: true,
    fallback: undefined,
  }),
  tablesPerFamily: option({
    flag: "tables-per-family",
    placeholder: "N",
    help: "tables that a family may have",
    parse: integer({ min: 1, max: 1_000_000 }),
    fallback: SCHEMA_LIMITS.tablesPerFamily,
  }),
  fieldsPerTable: option({
    flag: "fields-per-table",
    placeholder: "N",
    help: "fields that a table may have",
    parse: integer({ min: 1, max: SCHEMA_LIMITS.fieldsPerTable }),
    fallback: SCHEMA_LIMITS.fieldsPerTable,
  }),
  requireGrants: switchOption({
    flag: "require-grants",
    help: "a writer to which no families were granted may write none, in place of all",
  }),
};

type LimitValues = OptionValues<typeof LIMIT_OPTIONS>;

export function limitDefaultsOf(options: LimitValues): LimitDefaults {
  const { tablesPerFamily, fieldsPerTable } = options;
  return {
    writer: { rows: options.writerRowsPerMinute, bytes: options.writerBytesPerMinute },
    fleet: { rows: options.fleetRowsPerMinute, bytes: options.fleetBytesPerMinute },
    table: sizeLimitOf(options),
    tablesPerFamily,
    fieldsPerTable,
  };
}

/** A hard limit below the soft one moves that down: so it can be set alone. */
function sizeLimitOf({ tableWarnSize, tableMaxSize }: LimitValues): SizeLimit | null {
  if (tableWarnSize === null && tableMaxSize === null) return null;
  const maxBytes = tableMaxSize ?? NO_LIMIT;
  const isBefore = tableWarnSize !== null && tableWarnSize < maxBytes;
  return { warnBytes: isBefore ? tableWarnSize : maxBytes, maxBytes };
}
