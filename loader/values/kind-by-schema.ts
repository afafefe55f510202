/** What the event's own schema says of a column: by the logical name of its type, else by the plain type. */
import { encodingOf, fractionDigits, isUnsignedBigint, lengthOf } from "./column-facts.ts";
import type { ColumnKind, TimeForm } from "./column-kind.ts";
import type { ColumnRules } from "./column-rules.ts";
import type { ConnectType } from "./connect-type.ts";
import type { OriginColumn } from "./origin-column.ts";

/** Null for a type that Kafka Connect does not have. */
export function kindBySchema(
  type: ConnectType,
  column: OriginColumn | null,
  rules: ColumnRules,
): ColumnKind | null {
  return kindOfName(type, column, rules) ?? kindOfType(type, column, rules);
}

/** By the logical name, if it is one that says more than the type beneath. */
function kindOfName(type: ConnectType, column: OriginColumn | null, rules: ColumnRules): ColumnKind | null {
  const digits = fractionDigits(column);
  switch (type.name) {
    case "org.apache.kafka.connect.data.Decimal":
      return kindOfPrecise(type, column, rules);
    case "io.debezium.data.VariableScaleDecimal":
      return { is: "variable-decimal" };
    case "io.debezium.data.Bits":
      return { is: "bits", length: numberOf(type, "length") };
    case "io.debezium.data.Enum":
    case "io.debezium.data.EnumSet":
      return { is: "text", maxChars: longestOption(type), encoded: null };
    case "io.debezium.data.Uuid":
      return { is: "text", maxChars: 36, encoded: null };
    case "io.debezium.data.geometry.Point":
    case "io.debezium.data.geometry.Geometry":
    case "io.debezium.data.geometry.Geography":
      return { is: "geometry" };
    case "io.debezium.time.Year":
      return { is: "year" };
    case "io.debezium.time.Date":
    case "org.apache.kafka.connect.data.Date":
      return { is: "date", form: "days" };
    case "io.debezium.time.IsoDate":
      return { is: "date", form: "iso" };
    case "io.debezium.time.ZonedTimestamp":
      return { is: "timestamp", digits };
    default: {
      const time = TIMES.get(type.name ?? "");
      return time === undefined ? null : { ...time, digits };
    }
  }
}

function kindOfPrecise(type: ConnectType, column: OriginColumn | null, rules: ColumnRules): ColumnKind {
  const scale = numberOf(type, "scale") ?? rules.scale ?? column?.scale ?? null;
  if (scale === null) return { is: "unreadable", lacking: "the decimal's scale" };
  // The length of a BIGINT UNSIGNED is only how wide it is shown.
  const declared = column?.kind === "decimal" ? column.length : null;
  return { is: "decimal", scale, precision: numberOf(type, "connect.decimal.precision") ?? declared };
}

const TIMES: ReadonlyMap<string, { readonly is: "time" | "datetime"; readonly form: TimeForm }> = new Map([
  ["org.apache.kafka.connect.data.Time", { is: "time", form: "milliseconds" }],
  ["io.debezium.time.Time", { is: "time", form: "milliseconds" }],
  ["io.debezium.time.MicroTime", { is: "time", form: "microseconds" }],
  ["io.debezium.time.NanoTime", { is: "time", form: "nanoseconds" }],
  ["io.debezium.time.IsoTime", { is: "time", form: "iso" }],
  ["org.apache.kafka.connect.data.Timestamp", { is: "datetime", form: "milliseconds" }],
  ["io.debezium.time.Timestamp", { is: "datetime", form: "milliseconds" }],
  ["io.debezium.time.MicroTimestamp", { is: "datetime", form: "microseconds" }],
  ["io.debezium.time.NanoTimestamp", { is: "datetime", form: "nanoseconds" }],
  ["io.debezium.time.IsoTimestamp", { is: "datetime", form: "iso" }],
]);

/** By the plain type, which a logical name that is not known never contradicts. */
function kindOfType(type: ConnectType, column: OriginColumn | null, rules: ColumnRules): ColumnKind | null {
  switch (type.type) {
    case "boolean":
      return { is: "boolean" };
    case "int8":
    case "int16":
    case "int32":
    case "int64":
      return { is: "integer", isWrapped: type.type === "int64" && isUnsignedBigint(column) };
    case "float":
    case "double":
    case "float32":
    case "float64":
      return { is: "float" };
    case "bytes":
      return { is: "bytes", form: "base64", maxBytes: lengthOf(column, "binary") };
    case "string":
      return kindOfString(type, column, rules);
    case "struct":
    case "array":
    case "map":
      return { is: "document" };
    default:
      return null;
  }
}

/** Text, a decimal as text, or bytes as text: those only where the column or the mapping says so. */
function kindOfString(type: ConnectType, column: OriginColumn | null, rules: ColumnRules): ColumnKind {
  if (type.name !== null) return { is: "text", maxChars: null, encoded: null };
  const encoded = encodingOf(rules);
  switch (column?.kind) {
    case undefined:
      return { is: "text", maxChars: null, encoded };
    case "decimal":
      return { is: "decimal-text" };
    case "binary":
      return encoded === null
        ? { is: "text", maxChars: null, encoded }
        : { is: "bytes", form: encoded, maxBytes: column?.length ?? null };
    default:
      return { is: "text", maxChars: lengthOf(column, "char"), encoded: null };
  }
}

function numberOf(type: ConnectType, parameter: string): number | null {
  const text = type.parameters[parameter];
  return text !== undefined && /^-?\d{1,9}$/.test(text) ? Number(text) : null;
}

/**
 * At most as many characters as the value can have: the whole list for a SET, which may hold all of them, and for an ENUM
 * too, since an option may hold a comma.
 */
function longestOption(type: ConnectType): number | null {
  return type.parameters["allowed"]?.length ?? null;
}
