/** Every kind of column with every kind of value into every type of field, in every mode: what comes out must be exact or refused. */
import { isCtlstoreError } from "../../../core/errors.ts";
import { NumberText } from "../../../core/exact-json.ts";
import { FIELD_TYPES, type FieldType } from "../../../core/field-types.ts";
import type { ColumnRules } from "../../../loader/values/column-rules.ts";
import type { ConnectType } from "../../../loader/values/connect-type.ts";
import { type Converter, converterFor } from "../../../loader/values/convert.ts";
import { column, decimalColumn, field, rules, source } from "./support.ts";

const PLAIN = ["int8", "int16", "int32", "int64", "float", "double", "boolean", "string", "bytes"];
const NAMED: readonly (readonly [type: string, name: string])[] = [
  ["int32", "time.Date"],
  ["int32", "time.Time"],
  ["int64", "time.MicroTime"],
  ["int64", "time.NanoTime"],
  ["int64", "time.Timestamp"],
  ["int64", "time.MicroTimestamp"],
  ["int64", "time.NanoTimestamp"],
  ["string", "time.ZonedTimestamp"],
  ["string", "time.IsoDate"],
  ["string", "time.IsoTime"],
  ["string", "time.IsoTimestamp"],
  ["int32", "time.Year"],
  ["string", "data.Json"],
  ["string", "data.Enum"],
  ["string", "data.Uuid"],
  ["bytes", "data.Bits"],
  ["struct", "data.geometry.Geometry"],
  ["struct", "data.VariableScaleDecimal"],
  ["array", "data.vector.FloatVector"],
  ["struct", "com.example.Own"],
  ["bytes", "org.apache.kafka.connect.data.Decimal"],
  ["text", "no type of Kafka Connect"],
];

const COLUMNS: readonly (ConnectType | null)[] = [
  null,
  ...PLAIN.map((type) => column(type)),
  ...NAMED.map(([type, name]) => column(type, name, {}, { isOptional: name.length % 2 === 0 })),
  column("bytes", "data.Bits", { length: "10" }),
  decimalColumn(2),
  decimalColumn(0, 20),
  column("string", null, source("DECIMAL", 10, 2)),
  column("string", null, source("VARBINARY", 20)),
  column("string", null, source("VARCHAR", 20)),
  column("int64", null, source("BIGINT UNSIGNED")),
];

const RULES: readonly Partial<ColumnRules>[] = [
  {},
  { decimal: "string", binary: "hex", epochDates: "refuse" },
  { decimal: "double", binary: "base64-url-safe", epochDates: "null" },
  { scale: 3 },
  ...[
    "bit(8)",
    "bigint unsigned",
    "decimal(9,2)",
    "varchar(9)",
    "blob",
    "time(3)",
    "datetime(6)",
    "point",
  ].map((name) => ({ column: name })),
  { column: "timestamp", time: "isostring" },
  { column: "date", time: "isostring" },
];

const VALUES: readonly unknown[] = [
  null,
  undefined,
  true,
  false,
  0,
  -0,
  1,
  -1,
  1.5,
  19782,
  1e15 + 0.5,
  2 ** 53,
  1e300,
  5e-324,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  0n,
  9007199254740993n,
  2n ** 63n,
  -(2n ** 63n),
  2n ** 64n - 1n,
  10n ** 70n,
  new NumberText("12345678901234567890.123"),
  new NumberText("1e400"),
  new NumberText("1e-400"),
  new NumberText("1.0E23"),
  "",
  "0",
  "-12",
  "12.30",
  "007",
  "AQI=",
  "AQI",
  "-_8=",
  "fbff00",
  "NaN",
  "2024-02-29Z",
  "2024-02-29T12:34:56.120Z",
  "2024-02-29T12:34:56+05:30",
  "1970-01-01T00:00:00Z",
  "0000-00-00",
  "12:34:56Z",
  "é🦊",
  "a\0b",
  "\ud800",
  "x".repeat(200),
  "A".repeat(2_000),
  "__debezium_unavailable_value",
  [],
  [1, "2", null],
  {},
  { wkb: "AQI=", srid: 4326 },
  { scale: 2, value: "BNI=" },
  { scale: -1e9, value: "BNI=" },
  { toString: "1" },
];

/** Calls back with each outcome: the value, or "refused: " and why. Throws for any other error. */
export function forEverySlot(
  look: (outcome: unknown, slot: { value: unknown; type: ConnectType | null; to: FieldType }) => void,
): void {
  for (const type of COLUMNS) {
    // What the mapping says of a column matters little beside a schema.
    for (const given of type === null ? RULES : RULES.slice(0, 4)) {
      for (const to of FIELD_TYPES) {
        const convert = converterFor(field(to), type, rules(given));
        for (const value of VALUES) look(outcomeOf(convert, value), { value, type, to });
      }
    }
  }
}

function outcomeOf(convert: Converter, value: unknown): unknown {
  try {
    return convert(value);
  } catch (error) {
    if (isCtlstoreError(error) && error.code === "event_refused" && error.details.field === "amount") {
      return `refused: ${error.message} ${error.details.hint ?? ""}`;
    }
    throw error;
  }
}
