/** Days and times of day as numbers and as MySQL writes them. The calendar is Gregorian for all years, as MySQL's and Java's. */

/** 0000-01-01 and 9999-12-31, in days since 1970. */
const FIRST_DAY = -719_528;
const LAST_DAY = 2_932_896;
const DAYS_OF_400_YEARS = 146_097;
const DAYS_OF_MONTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** `2024-02-29`, or null outside the years 0 to 9999, which MySQL does not have. */
export function dateText(days: number): string | null {
  if (!(days >= FIRST_DAY && days <= LAST_DAY)) return null;
  // Years that begin in March have their leap day at the end, so that months follow one formula.
  const sinceMarchOfYear0 = days - FIRST_DAY - 60 + DAYS_OF_400_YEARS;
  const era = Math.floor(sinceMarchOfYear0 / DAYS_OF_400_YEARS);
  const dayOfEra = sinceMarchOfYear0 - era * DAYS_OF_400_YEARS;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + (era - 1) * 400 + (month <= 2 ? 1 : 0);
  return `${String(year).padStart(4, "0")}-${twoDigits(month)}-${twoDigits(day)}`;
}

/** Days since 1970 of a date, or null for one that the calendar does not have. */
export function daysOf(year: number, month: number, day: number): number | null {
  if (month < 1 || month > 12 || day < 1 || day > daysOfMonth(year, month)) return null;
  // The same formula backwards.
  const marchYear = (month <= 2 ? year - 1 : year) + 400;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return (era - 1) * DAYS_OF_400_YEARS + dayOfEra + FIRST_DAY + 60;
}

function daysOfMonth(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && isLeap ? 29 : (DAYS_OF_MONTHS[month - 1] ?? 0);
}

/** `12:34:56`, of seconds since midnight or of a length of time. */
export function clockText(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return `${twoDigits(Math.floor(minutes / 60))}:${twoDigits(minutes % 60)}:${twoDigits(seconds % 60)}`;
}

/**
 * `.123456`, or nothing for no digits.
 *
 * @param digits all that the value has
 * @param wanted how many to write, null for as many as the value has, but no more than MySQL's 6. Zeros at the end are cut or
 *   added; other digits are never cut
 */
export function fractionText(digits: string, wanted: number | null): string {
  const least = wanted ?? Math.min(digits.length, 6);
  let length = digits.length;
  while (digits[length - 1] === "0") length -= 1;
  const text = digits.slice(0, length).padEnd(least, "0");
  return text === "" ? "" : `.${text}`;
}

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}
