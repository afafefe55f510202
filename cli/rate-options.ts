/** Rates on the command line: an amount in a period, such as `60000/1m` or `64MiB/1h`; kept as amounts in a minute. */
import { NO_LIMIT, parsePeriodNs, perMinute } from "../core/rates.ts";
import { byteSize } from "./parsers.ts";

/** @param amount reads what stands before the slash */
function rate(amount: (text: string) => bigint): (value: string) => bigint {
  return (value) => {
    const [number = "", period = "1m", ...rest] = value.split("/");
    if (rest.length > 0) throw new Error("it must be an amount and a period, such as 60000/1m");
    return perMinute(amount(number), parsePeriodNs(period));
  };
}

function count(text: string): bigint {
  if (!/^\d{1,19}$/.test(text))
    throw new Error("it must be a number and a period, such as 60000/1m, or none");
  return BigInt(text);
}

/** Rows in a minute; `none` is as many as there may be. */
export function rowsRate(value: string): bigint {
  return value === "none" ? NO_LIMIT : rate(count)(value);
}

/** Bytes in a minute; null is no limit. */
export function bytesRate(value: string): bigint | null {
  return value === "none" ? null : rate(byteSize)(value);
}

export function isUnlimited(amount: number | string | null): boolean {
  return amount === null || BigInt(amount) === NO_LIMIT;
}
