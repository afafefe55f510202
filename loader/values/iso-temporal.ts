/**
 * Columns of dates and times that events have as ISO 8601 text: TIMESTAMP always, the others in mode `isostring`. They become
 * what MySQL writes. Text that no clock or calendar has is refused.
 */
import { clockText, daysOf, fractionText } from "./calendar.ts";
import { type ColumnReader, Misfit, NO_BYTES, never } from "./column-reader.ts";
import { dayText } from "./temporal.ts";

const NO_NUMBER = never(
  "a column of numbers: in this form the event has dates and times as text",
  "use a string field",
);

function textOnly(text: (value: unknown) => string): ColumnReader {
  return { integer: NO_NUMBER, decimal: NO_NUMBER, text, bytes: NO_BYTES };
}

const DATE = String.raw`(\d{4})-(\d{2})-(\d{2})`;
/** Seconds and their fraction may be missing. */
const CLOCK = String.raw`(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?`;
/** What values without time zone end with, if anything. */
const UTC = "(?:Z|[+-]00:00)?";
const ISO_DATE = new RegExp(`^${DATE}${UTC}$`);
const ISO_TIME = new RegExp(`^${CLOCK}${UTC}$`);
const ISO_DATETIME = new RegExp(`^${DATE}T${CLOCK}${UTC}$`);
const ISO_TIMESTAMP = new RegExp(String.raw`^${DATE}T${CLOCK}(?:Z|([+-])(\d{2}):(\d{2})(?::(\d{2}))?)$`);

/** DATE as `2024-02-29`. */
export const ISO_DATES = textOnly((value) => {
  const [, year, month, day] = match(ISO_DATE, value, "a date in ISO 8601, such as 2024-02-29Z");
  return dayText(parseDay(year, month, day));
});

/** TIME as `12:34:56.123456`; in this form the connector has no negative ones, and none of a day or more. */
export function isoTimes(digits: number | null): ColumnReader {
  return textOnly((value) => {
    const [, hour, minute, second, fraction] = match(
      ISO_TIME,
      value,
      "a time in ISO 8601, such as 12:34:56.123456Z",
    );
    return clockText(parseClock(hour, minute, second)) + fractionText(fraction ?? "", digits);
  });
}

/** DATETIME as `2024-02-29 12:34:56.123456`. */
export function isoDatetimes(digits: number | null): ColumnReader {
  return textOnly((value) => {
    const [, year, month, day, hour, minute, second, fraction] = match(
      ISO_DATETIME,
      value,
      "a date and time in ISO 8601, such as 2024-02-29T12:34:56.123456Z",
    );
    const days = parseDay(year, month, day);
    return `${dayText(days)} ${clockText(parseClock(hour, minute, second))}${fractionText(fraction ?? "", digits)}`;
  });
}

/** TIMESTAMP in UTC, as MySQL writes it in a session with time_zone '+00:00'. */
export function timestamps(digits: number | null): ColumnReader {
  return textOnly((value) => {
    const [, year, month, day, hour, minute, second, fraction, ...offset] = match(
      ISO_TIMESTAMP,
      value,
      "a date and time with offset in ISO 8601, such as 2024-02-29T12:34:56.123456Z",
    );
    const days = parseDay(year, month, day);
    const seconds = parseClock(hour, minute, second) - parseOffset(offset);
    const dayShift = Math.floor(seconds / 86_400);
    return `${dayText(days + dayShift)} ${clockText(seconds - dayShift * 86_400)}${fractionText(fraction ?? "", digits)}`;
  });
}

function match(form: RegExp, value: unknown, needed: string): (string | undefined)[] {
  const found = typeof value === "string" ? form.exec(value) : null;
  if (found === null) throw new Misfit(needed);
  return found;
}

function parseDay(year = "", month = "", day = ""): number {
  const days = daysOf(Number(year), Number(month), Number(day));
  if (days === null) throw new Misfit("a day that the calendar has");
  return days;
}

/** Seconds since midnight. */
function parseClock(hour = "", minute = "", second = "0"): number {
  const [hours, minutes, seconds] = [Number(hour), Number(minute), Number(second)];
  if (hours > 23 || minutes > 59 || seconds > 59) throw new Misfit("a time of day");
  return (hours * 60 + minutes) * 60 + seconds;
}

/** Seconds that a clock with this offset is ahead of UTC. */
function parseOffset([sign, hour = "0", minute = "0", second = "0"]: (string | undefined)[]): number {
  const [hours, minutes, seconds] = [Number(hour), Number(minute), Number(second)];
  if (hours > 18 || minutes > 59 || seconds > 59) throw new Misfit("an offset of at most 18 hours");
  const ahead = (hours * 60 + minutes) * 60 + seconds;
  return sign === "-" ? -ahead : ahead;
}
