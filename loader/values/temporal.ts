/**
 * Columns of dates and times that events have as numbers. As text they become what MySQL writes; as integers and decimals they
 * stay the event's number, whatever its unit.
 */
import { clockText, dateText, fractionText } from "./calendar.ts";
import { type ColumnReader, Misfit, NO_BYTES } from "./column-reader.ts";
import { INTEGERS, readInteger } from "./numbers.ts";

/** Digits of a second's fraction in numbers of a unit. */
const UNIT_DIGITS = { milliseconds: 3, microseconds: 6, nanoseconds: 9 } as const;
export type TimeUnit = keyof typeof UNIT_DIGITS;

const DAY_SECONDS = 86_400;
/** The largest hours that a TIME has. */
export const MOST_HOURS = 838;

function numbersWithText(text: (value: unknown) => string): ColumnReader {
  return { integer: INTEGERS.integer, decimal: INTEGERS.decimal, text, bytes: NO_BYTES };
}

/** DATE in days since 1970, as `2024-02-29`. */
export const DATES = numbersWithText((value) => dayText(Number(readInteger(value))));

/** @throws Misfit for a day that MySQL does not have */
export function dayText(days: number): string {
  const text = dateText(days);
  if (text === null) throw new Misfit("a date from 0000-01-01 to 9999-12-31");
  return text;
}

/**
 * DATETIME as `2024-02-29 12:34:56.123456`.
 *
 * @param digits how many digits of a fraction the column has; null: as many as the unit, at most 6
 */
export function datetimes(unit: TimeUnit, digits: number | null): ColumnReader {
  const unitDigits = UNIT_DIGITS[unit];
  const dayUnits = DAY_SECONDS * 10 ** unitDigits;
  return numbersWithText((value) => {
    const { days, rest } = splitDays(readInteger(value), dayUnits);
    return `${dayText(days)} ${timeText(rest, unitDigits, digits)}`;
  });
}

/** TIME as `-838:59:59.000000`: a length of time, which may be negative and longer than a day. */
export function times(unit: TimeUnit, digits: number | null): ColumnReader {
  const unitDigits = UNIT_DIGITS[unit];
  const end = (MOST_HOURS + 1) * 3600 * 10 ** unitDigits;
  return numbersWithText((value) => {
    const units = Number(readInteger(value));
    // Below the end, which is far below 2^53, the number is exact.
    if (Math.abs(units) >= end) throw new Misfit(`a time within ${MOST_HOURS}:59:59`);
    return `${units < 0 ? "-" : ""}${timeText(Math.abs(units), unitDigits, digits)}`;
  });
}

/** `units` are not negative, and safe. */
function timeText(units: number, unitDigits: number, digits: number | null): string {
  const secondUnits = 10 ** unitDigits;
  const fraction = units % secondUnits;
  const seconds = (units - fraction) / secondUnits;
  return clockText(seconds) + fractionText(String(fraction).padStart(unitDigits, "0"), digits);
}

/** Whole days, rounded down also before 1970, and what is left. The remainder of a division is exact, its quotient may not be. */
function splitDays(units: number | bigint, dayUnits: number): { days: number; rest: number } {
  if (typeof units === "number") {
    const remainder = units % dayUnits;
    const rest = remainder < 0 ? remainder + dayUnits : remainder;
    return { days: (units - rest) / dayUnits, rest };
  }
  const remainder = Number(units % BigInt(dayUnits));
  const rest = remainder < 0 ? remainder + dayUnits : remainder;
  return { days: Number((units - BigInt(rest)) / BigInt(dayUnits)), rest };
}
