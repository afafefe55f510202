/** Columns of dates and times, in each mode of the connector (R33). */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { FieldType } from "../../../core/field-types.ts";
import type { ColumnRules } from "../../../loader/values/column-rules.ts";
import type { ConnectType } from "../../../loader/values/connect-type.ts";
import { runsOf, suiteSeed } from "../../support/suite.ts";
import { type Case, column, convert, outcome, source } from "./support.ts";

const DATE = column("int32", "time.Date");
const CONNECT_DATE = column("int32", "org.apache.kafka.connect.data.Date");
const MICRO_TIME = column("int64", "time.MicroTime");
const MILLI_TIME = column("int32", "time.Time");
const NANO_TIME = column("int64", "time.NanoTime");
const MILLIS = column("int64", "time.Timestamp");
const MICROS = column("int64", "time.MicroTimestamp");
const NANOS = column("int64", "time.NanoTimestamp");
const CONNECT_TIMESTAMP = column("int64", "org.apache.kafka.connect.data.Timestamp");
const ZONED = column("string", "time.ZonedTimestamp");
const ISO_DATE = column("string", "time.IsoDate");
const ISO_TIME = column("string", "time.IsoTime");
const ISO_DATETIME = column("string", "time.IsoTimestamp");

/** 838:59:59 in seconds: the end of MySQL's TIME. */
const LONGEST = 838 * 3600 + 59 * 60 + 59;

type Rows = readonly (readonly [value: unknown, to: FieldType, is: unknown])[];

function check(type: ConnectType | null, rows: Rows, given: Partial<ColumnRules> = {}): void {
  for (const [value, to, is] of rows) {
    const each: Case = { value, type, to, is, rules: given };
    const { got, wanted } = outcome(each);
    expect({ case: each, got }).toEqual({ case: each, got: wanted as never });
  }
}

describe("R33: a DATE", () => {
  test("is written as MySQL writes it, or stays the number of days", () => {
    for (const type of [DATE, CONNECT_DATE]) {
      check(type, [
        [0, "string", "1970-01-01"],
        [-1, "string", "1969-12-31"],
        [19782, "text", "2024-02-29"],
        [19782, "integer", 19782n],
        [19782, "decimal", 19782],
        [-719528, "string", "0000-01-01"],
        [2932896, "string", "9999-12-31"],
        [-25567, "string", "1900-01-01"],
        [11016, "string", "2000-02-29"],
        [19782, "binary", /column of bytes/],
      ]);
    }
  });

  test("is refused outside the years of MySQL, and when it is no number", () => {
    check(DATE, [
      [-719529, "string", /0000-01-01 to 9999-12-31/],
      [2932897, "string", /0000-01-01 to 9999-12-31/],
      [2n ** 70n, "text", /0000-01-01 to 9999-12-31/],
      ["2024-02-29", "string", /a JSON number/],
      [1.5, "string", /a JSON number/],
    ]);
  });

  test("is read from text in mode isostring", () => {
    check(ISO_DATE, [
      ["2024-02-29Z", "string", "2024-02-29"],
      ["0000-01-01Z", "string", "0000-01-01"],
      ["9999-12-31", "text", "9999-12-31"],
      ["2024-02-29+00:00", "string", "2024-02-29"],
      ["2023-02-29Z", "string", /a day that the calendar has/],
      ["1900-02-29Z", "string", /a day that the calendar has/],
      ["2024-13-01Z", "string", /calendar/],
      ["2024-04-31Z", "string", /calendar/],
      ["0000-00-00Z", "string", /calendar/],
      ["2024-02-29+01:00", "string", /a date in ISO 8601/],
      ["+10000-01-01Z", "string", /a date in ISO 8601/],
      ["2024-02-29T00:00:00Z", "string", /a date in ISO 8601/],
      ["2024-02-29Z", "integer", /has dates and times as text/],
      [19782, "string", /a date in ISO 8601/],
    ]);
  });
});

describe("R33: a TIME", () => {
  test("is written as MySQL writes it, negative and above a day too", () => {
    check(MICRO_TIME, [
      [0, "string", "00:00:00.000000"],
      [-1, "string", "-00:00:00.000001"],
      [45296123456, "string", "12:34:56.123456"],
      [LONGEST * 1e6, "string", "838:59:59.000000"],
      [-LONGEST * 1e6, "string", "-838:59:59.000000"],
      [-LONGEST * 1e6, "integer", BigInt(-LONGEST * 1e6)],
      [100 * 3600 * 1e6, "text", "100:00:00.000000"],
      [839 * 3600 * 1e6, "string", /within 838:59:59/],
      [-839 * 3600 * 1e6, "string", /within 838:59:59/],
      [2n ** 62n, "string", /within 838:59:59/],
      ["12:34:56", "string", /a JSON number/],
    ]);
    check(MILLI_TIME, [
      [45296123, "string", "12:34:56.123"],
      [-1, "string", "-00:00:00.001"],
    ]);
    check(column("int32", "org.apache.kafka.connect.data.Time"), [[45296123, "string", "12:34:56.123"]]);
    check(NANO_TIME, [
      [45296123456000, "string", "12:34:56.123456"],
      [45296123456789, "string", "12:34:56.123456789"],
    ]);
  });

  test("is read from text in mode isostring", () => {
    check(ISO_TIME, [
      ["12:34:56Z", "string", "12:34:56"],
      ["12:34:56.120Z", "string", "12:34:56.120"],
      ["12:34:56.123456000Z", "string", "12:34:56.123456"],
      ["12:34Z", "string", "12:34:00"],
      ["23:59:59.999999", "string", "23:59:59.999999"],
      ["24:00:00Z", "string", /a time of day/],
      ["12:60:00Z", "string", /a time of day/],
      ["12:34:60Z", "string", /a time of day/],
      ["-12:34:56Z", "string", /a time in ISO 8601/],
      ["12:34:56+01:00", "string", /a time in ISO 8601/],
    ]);
  });
});

describe("R33: a DATETIME", () => {
  test("is written as MySQL writes it, with as many digits as the unit has", () => {
    check(MICROS, [
      [0, "string", "1970-01-01 00:00:00.000000"],
      [-1, "string", "1969-12-31 23:59:59.999999"],
      [1709210096123456, "string", "2024-02-29 12:34:56.123456"],
      [253402300799999999n, "string", "9999-12-31 23:59:59.999999"],
      [253402300800000000n, "string", /0000-01-01 to 9999-12-31/],
      [-62167219200000000n, "string", "0000-01-01 00:00:00.000000"],
      [-62167219200000001n, "string", /0000-01-01/],
      [253402300799999999n, "integer", 253402300799999999n],
      [253402300799999999n, "decimal", /15 digits/],
      [-9007199254740991, "string", "1684-07-28 00:12:25.259009"],
      ["2024-02-29", "string", /a JSON number/],
    ]);
    for (const type of [MILLIS, CONNECT_TIMESTAMP]) {
      check(type, [
        [1709210096123, "string", "2024-02-29 12:34:56.123"],
        [-1, "string", "1969-12-31 23:59:59.999"],
        [253402300799999, "string", "9999-12-31 23:59:59.999"],
      ]);
    }
    check(NANOS, [
      [1709210096123456000n, "string", "2024-02-29 12:34:56.123456"],
      [1709210096123456789n, "string", "2024-02-29 12:34:56.123456789"],
      [-1n, "string", "1969-12-31 23:59:59.999999999"],
    ]);
  });

  test("has as many digits as the column declares when that is known, and more rather than lose one", () => {
    const declared = (type: ConnectType, digits?: number) => ({
      ...type,
      parameters: source("DATETIME", digits),
    });
    check(declared(MILLIS), [
      [1709210096000, "string", "2024-02-29 12:34:56"],
      [1709210096120, "string", "2024-02-29 12:34:56.12"],
    ]);
    check(declared(MILLIS, 3), [[1709210096000, "string", "2024-02-29 12:34:56.000"]]);
    check(declared(MICROS, 4), [[1709210096123400, "string", "2024-02-29 12:34:56.1234"]]);
    check(declared(MILLIS, 6), [[1709210096120, "string", "2024-02-29 12:34:56.120000"]]);
    check({ ...MICRO_TIME, parameters: source("TIME") }, [[-1_000_000, "string", "-00:00:01"]]);
    check({ ...ZONED, parameters: source("TIMESTAMP", 2) }, [
      ["2024-02-29T12:34:56.1Z", "string", "2024-02-29 12:34:56.10"],
    ]);
    check(MICROS, [[1709210096000000, "string", "2024-02-29 12:34:56"]], { column: "datetime" });
  });

  test("is read from text in mode isostring", () => {
    check(ISO_DATETIME, [
      ["2024-02-29T12:34:56.123456Z", "string", "2024-02-29 12:34:56.123456"],
      ["2024-02-29T12:34:56", "string", "2024-02-29 12:34:56"],
      ["9999-12-31T23:59:59.999999Z", "text", "9999-12-31 23:59:59.999999"],
      ["2024-02-29T12:34:56+01:00", "string", /a date and time in ISO 8601/],
      ["2024-02-29 12:34:56", "string", /a date and time in ISO 8601/],
      ["2024-02-30T12:34:56Z", "string", /calendar/],
      ["2024-02-29T25:00:00Z", "string", /a time of day/],
      [1709210096123, "string", /a date and time in ISO 8601/],
    ]);
  });
});

describe("R33: a TIMESTAMP", () => {
  test("is written as MySQL writes it in UTC, with as many digits as the event has", () => {
    check(ZONED, [
      ["2024-02-29T12:34:56Z", "string", "2024-02-29 12:34:56"],
      ["2024-02-29T12:34:56.100Z", "string", "2024-02-29 12:34:56.100"],
      ["2024-02-29T12:34:56.123456Z", "string", "2024-02-29 12:34:56.123456"],
      ["2024-02-29T12:34Z", "string", "2024-02-29 12:34:00"],
      ["2024-02-29T23:34:56-02:00", "string", "2024-03-01 01:34:56"],
      ["2024-03-01T00:30:00.5+05:45", "string", "2024-02-29 18:45:00.5"],
      ["2024-03-01T00:00:00+00:00:01", "string", "2024-02-29 23:59:59"],
      ["2038-01-19T03:14:07.999999Z", "string", "2038-01-19 03:14:07.999999"],
      ["2024-02-29T12:34:56", "string", /with offset/],
      ["2024-02-29T12:34:56+19:00", "string", /an offset of at most 18 hours/],
      ["0000-01-01T00:00:00+01:00", "string", /0000-01-01 to 9999-12-31/],
      ["2024-02-29T12:34:56Z", "integer", /has dates and times as text.*string field/],
      [1709210096123, "string", /with offset/],
      [{}, "string", /Cannot load an object/],
    ]);
  });
});

describe("R33: dates and times without schema", () => {
  test("are read in the unit that the connector's mode gives the column", () => {
    const time = (mode: ColumnRules["time"], columnType: string, value: unknown, is: string) =>
      check(null, [[value, "string", is]], { time: mode, column: columnType });
    const seconds = 45296;
    time("adaptive", "time", seconds * 1e3, "12:34:56");
    time("adaptive", "time(3)", seconds * 1e3 + 5, "12:34:56.005");
    time("adaptive", "time(4)", seconds * 1e6 + 500, "12:34:56.0005");
    time("adaptive_time_microseconds", "time", seconds * 1e6, "12:34:56");
    time("adaptive_time_microseconds", "datetime", 1709210096000, "2024-02-29 12:34:56");
    time("adaptive_time_microseconds", "datetime(3)", 1709210096001, "2024-02-29 12:34:56.001");
    time("adaptive_time_microseconds", "datetime(6)", 1709210096123456, "2024-02-29 12:34:56.123456");
    time("adaptive", "datetime(6)", 1709210096123456, "2024-02-29 12:34:56.123456");
    time("connect", "time(6)", seconds * 1e3, "12:34:56.000000");
    time("connect", "datetime(6)", 1709210096123, "2024-02-29 12:34:56.123000");
    time("microseconds", "datetime", 1709210096000000, "2024-02-29 12:34:56");
    time("microseconds", "time", seconds * 1e6, "12:34:56");
    time("nanoseconds", "datetime(6)", 1709210096123456000n as never, "2024-02-29 12:34:56.123456");
    time("nanoseconds", "time(6)", seconds * 1e9, "12:34:56.000000");
    time("isostring", "datetime(3)", "2024-02-29T12:34:56.12Z", "2024-02-29 12:34:56.120");
    time("isostring", "date", "2024-02-29Z", "2024-02-29");
    time("isostring", "time", "12:34:56Z", "12:34:56");
    time("connect", "date", 19782, "2024-02-29");
    time("connect", "timestamp(6)", "2024-02-29T12:34:56.1Z", "2024-02-29 12:34:56.100000");
    time("connect", "year(4)", 2024, "2024");
  });

  test("stay numbers when nobody says what they are", () => {
    check(null, [[19782, "string", "19782"]]);
  });

  test("cannot be of a type that no column has", () => {
    expect(() => convert("string", 1, null, { column: "datetme(6)" })).toThrow(/"datetme\(6\)"/);
  });
});

describe("R33: a zero date", () => {
  const required = (type: ConnectType): ConnectType => ({ ...type, isOptional: false });
  const epochs: [ConnectType, unknown, string][] = [
    [DATE, 0, "1970-01-01"],
    [MILLIS, 0, "1970-01-01 00:00:00.000"],
    [MICROS, 0n, "1970-01-01 00:00:00.000000"],
    [ZONED, "1970-01-01T00:00:00Z", "1970-01-01 00:00:00"],
    [ISO_DATE, "1970-01-01Z", "1970-01-01"],
    [ISO_DATETIME, "1970-01-01T00:00:00.000Z", "1970-01-01 00:00:00.000"],
  ];

  test("is null when the column takes NULL", () => {
    check(DATE, [[null, "string", null]]);
  });

  test("is 1970-01-01, null or refused, as the mapping says, when the column is NOT NULL", () => {
    for (const [type, value, text] of epochs) {
      check(required(type), [[value, "string", text]]);
      check(required(type), [[value, "string", null]], { epochDates: "null" });
      check(required(type), [[value, "string", /also stands for a zero date.*epochDates/]], {
        epochDates: "refuse",
      });
    }
    check(required(DATE), [[0, "integer", null]], { epochDates: "null" });
    check(null, [[0, "string", null]], { epochDates: "null", column: "date" });
  });

  test("is not seen in other days, other columns, and columns that take NULL", () => {
    for (const [type, value, text] of epochs) {
      check(type, [[value, "string", text]], { epochDates: "refuse" });
    }
    check(required(DATE), [[1, "string", "1970-01-02"]], { epochDates: "refuse" });
    check(required(MICRO_TIME), [[0, "string", "00:00:00.000000"]], { epochDates: "null" });
    check(column("int32", null, {}, { isOptional: false }), [[0, "integer", 0n]], { epochDates: "null" });
    check(required(ZONED), [["1970-01-01T00:00:00.000001Z", "string", "1970-01-01 00:00:00.000001"]], {
      epochDates: "null",
    });
  });
});

describe("R33: any moment of the years 0 to 9999", () => {
  // JavaScript's own calendar is the reference: it has milliseconds, the rest is added as text.
  const FIRST_MS = Date.parse("0000-01-01T00:00:00.000Z");
  const LAST_MS = Date.parse("9999-12-31T23:59:59.999Z");
  const moment = fc.tuple(fc.integer({ min: FIRST_MS, max: LAST_MS }), fc.integer({ min: 0, max: 999 }));
  const isoOf = (ms: number): string => new Date(ms).toISOString();

  test("is written alike from every form of it", () => {
    const seed = suiteSeed();
    fc.assert(
      fc.property(moment, ([ms, micro]) => {
        const iso = isoOf(ms);
        const text = `${iso.slice(0, 10)} ${iso.slice(11, 23)}`;
        const micros = BigInt(ms) * 1000n + BigInt(micro);
        const fraction = String(micro).padStart(3, "0");
        const number = (value: bigint) => (Number.isSafeInteger(Number(value)) ? Number(value) : value);
        expect(convert("string", number(BigInt(ms)), MILLIS)).toBe(text);
        expect(convert("string", number(micros), MICROS)).toBe(text + fraction);
        expect(convert("string", micros, MICROS)).toBe(text + fraction);
        expect(convert("string", micros * 1000n, NANOS)).toBe(text + fraction);
        expect(convert("string", `${iso.slice(0, 23)}${fraction}Z`, ZONED)).toBe(text + fraction);
        expect(convert("string", `${iso.slice(0, 23)}${fraction}Z`, ISO_DATETIME)).toBe(text + fraction);
        expect(convert("string", Math.floor(ms / 86_400_000), DATE)).toBe(iso.slice(0, 10));
        expect(convert("string", `${iso.slice(0, 10)}Z`, ISO_DATE)).toBe(iso.slice(0, 10));
      }),
      { seed, numRuns: runsOf({ quick: 500, deep: 50_000 }) },
    );
  });

  test("is the same moment in every time zone", () => {
    const seed = suiteSeed();
    const minutes = fc.integer({ min: -18 * 60, max: 18 * 60 });
    fc.assert(
      fc.property(moment, minutes, ([ms], offset) => {
        const local = ms + offset * 60_000;
        fc.pre(local >= FIRST_MS && local <= LAST_MS);
        const ahead = Math.abs(offset);
        const zone = `${offset < 0 ? "-" : "+"}${String(Math.floor(ahead / 60)).padStart(2, "0")}:${String(ahead % 60).padStart(2, "0")}`;
        const iso = isoOf(ms);
        expect(convert("string", isoOf(local).replace("Z", zone), ZONED)).toBe(
          `${iso.slice(0, 10)} ${iso.slice(11, 23)}`,
        );
      }),
      { seed, numRuns: runsOf({ quick: 500, deep: 50_000 }) },
    );
  });

  test("is written as a TIME that adds up to the number again", () => {
    const seed = suiteSeed();
    const most = LONGEST * 1_000_000;
    fc.assert(
      fc.property(fc.integer({ min: -most, max: most }), (micros) => {
        const text = String(convert("string", micros, MICRO_TIME));
        const [, sign, hours, minutes, seconds, fraction] =
          /^(-?)(\d{2,3}):([0-5]\d):([0-5]\d)\.(\d{6})$/.exec(text) ?? [];
        const sum = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1e6 + Number(fraction);
        expect(sign === "-" ? -sum : sum).toBe(micros);
      }),
      { seed, numRuns: runsOf({ quick: 500, deep: 50_000 }) },
    );
  });
});
