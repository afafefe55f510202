/**
 * Rates: how many rows and bytes in a minute. On the wire an amount and a period, as the original has it; inside always
 * per minute, which is what the ctldb's tables hold.
 */
import { CtlstoreError, quote } from "./errors.ts";

/** Rows and bytes of ledger statements in one window of a minute. Null is no limit. */
export interface Rate {
  readonly rows: bigint | null;
  readonly bytes: bigint | null;
}

export const NO_RATE: Rate = { rows: null, bytes: null };

/** Windows begin at whole minutes of Unix time, as in the original's `writer_usage`. */
export const RATE_WINDOW_SECONDS = 60;

export function windowStart(unixSeconds: number): number {
  return Math.floor(unixSeconds / RATE_WINDOW_SECONDS) * RATE_WINDOW_SECONDS;
}

const MINUTE_NS = 60_000_000_000n;
/** What BIGINT holds; in columns that must have a value it stands for "no limit": nobody can write so much. */
export const NO_LIMIT = 2n ** 63n - 1n;
const UNIT_NS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: MINUTE_NS,
  h: 60n * MINUTE_NS,
};
const PART = /(\d{1,15})(?:\.(\d{1,9}))?(ns|us|µs|μs|ms|s|m|h)/y;

/**
 * Reads a period: text such as `1m`, `1h30m` or `500ms`, or nanoseconds.
 * @throws CtlstoreError `invalid_value`
 */
export function parsePeriodNs(period: unknown): bigint {
  const ns = typeof period === "string" ? nsOfText(period) : nsOfNumber(period);
  if (ns !== null && ns > 0n && ns <= NO_LIMIT) return ns;
  throw new CtlstoreError("invalid_value", `Cannot use ${quote(period)} as a period: it is none`, {
    field: "period",
    hint: "text such as 1m, 1h30m or 500ms, or nanoseconds as an integer",
  });
}

function nsOfNumber(value: unknown): bigint | null {
  if (typeof value === "bigint") return value;
  return typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : null;
}

function nsOfText(text: string): bigint | null {
  let ns = 0n;
  let at = 0;
  while (at < text.length) {
    PART.lastIndex = at;
    const match = PART.exec(text);
    if (match === null) return null;
    const [whole, integer = "", fraction = "", unit = ""] = match;
    const unitNs = UNIT_NS[unit] ?? 0n;
    ns += BigInt(integer) * unitNs + (BigInt(`0${fraction}`) * unitNs) / 10n ** BigInt(fraction.length);
    at += whole.length;
  }
  return at === 0 ? null : ns;
}

/**
 * An amount in a period as an amount in a minute, rounded down: a limit is never exceeded.
 * @throws CtlstoreError `invalid_value` when it is negative, too large, or less than one a minute without being zero
 */
export function perMinute(amount: unknown, periodNs: bigint, field = "amount"): bigint {
  const given =
    typeof amount === "bigint" ? amount : Number.isSafeInteger(amount) ? BigInt(amount as number) : -1n;
  const scaled = given < 0n ? -1n : (given * MINUTE_NS) / periodNs;
  if (given === 0n || (scaled > 0n && scaled <= NO_LIMIT)) return scaled;
  throw new CtlstoreError(
    "invalid_value",
    `Cannot use ${quote(amount)} as ${field}: it needs to be 0, or at least one and at most 2^63-1 in a minute`,
    { field },
  );
}
