/**
 * A column of the origin as Debezium's connector for MariaDB declares it, and its values as that writes them.
 *
 * Written after Debezium's documents and apart from the loader's own code, so that a mistake there is not repeated here.
 */
import { NumberText } from "../../../core/exact-json.ts";
import { type ConnectSchema, column } from "../debezium.ts";
import { geometryOf, type PlainGeometry } from "./geometry.ts";

/** `decimal.handling.mode` and its like; the defaults are Debezium's. */
export interface ConnectorModes {
  readonly decimal: "precise" | "double" | "string";
  readonly bigintUnsigned: "long" | "precise";
  readonly binary: "bytes" | "base64" | "base64-url-safe" | "hex";
  /** `column.propagate.source.type` for all columns. */
  readonly sourceTypes: boolean;
}

export const DEFAULT_MODES: ConnectorModes = {
  decimal: "precise",
  bigintUnsigned: "long",
  binary: "bytes",
  sourceTypes: false,
};

/** As in information_schema. */
export interface OriginColumn {
  readonly name: string;
  /** `decimal(10,2) unsigned`, `enum('a','b')`, … */
  readonly type: string;
  readonly isNullable: boolean;
  readonly isKey: boolean;
  /** MariaDB's JSON is a LONGTEXT with a check. */
  readonly isJson: boolean;
}

export interface ColumnCodec {
  readonly schema: ConnectSchema;
  /** @param value not null, as the binlog's reader or a SELECT with dates as text gives it */
  encode(value: unknown): unknown;
}

type Kind = Omit<ColumnCodec, "schema"> & { readonly schema: Omit<ConnectSchema, "optional"> };

export function codecOf(
  { type, isNullable, isKey, isJson }: OriginColumn,
  modes: ConnectorModes,
): ColumnCodec {
  const kind = isJson ? text("io.debezium.data.Json") : kindOf(type, modes);
  const optional = isNullable && !isKey;
  const { schema, encode } = kind;
  return {
    schema: column(schema.type, {
      ...schema,
      ...(modes.sourceTypes ? withSource(schema, type) : {}),
      optional,
    }),
    // A zero date is null, or the epoch where null is not allowed.
    encode: (value) =>
      isZeroDate(value) && isTemporal(type) ? (optional ? null : epochOf(kind)) : encode(value),
  };
}

/** What the connector says of the column itself: `DECIMAL UNSIGNED`, 10, 2. */
function withSource({ parameters }: Kind["schema"], type: string): Pick<ConnectSchema, "parameters"> {
  const [, name = "", inside = "", rest = ""] = /^(\w+)(?:\((.*?)\))?(.*)$/.exec(type) ?? [];
  const [length, scale] = /^\d+(,\d+)?$/.test(inside) ? inside.split(",") : [];
  return {
    parameters: {
      ...parameters,
      "__debezium.source.column.type": `${name}${rest.includes("unsigned") ? " unsigned" : ""}`.toUpperCase(),
      ...(length === undefined ? {} : { "__debezium.source.column.length": length }),
      ...(scale === undefined ? {} : { "__debezium.source.column.scale": scale }),
    },
  };
}

function kindOf(type: string, modes: ConnectorModes): Kind {
  const base = /^[a-z0-9]+/.exec(type)?.[0] ?? "";
  const [first = 0, second = 0] = [...(/\(([\d,]+)\)/.exec(type)?.[1] ?? "").split(",")].map(Number);
  const isUnsigned = type.includes("unsigned");
  switch (base) {
    case "bit":
      return bits(first);
    case "tinyint":
    case "smallint":
      return integer(base === "smallint" && isUnsigned ? "int32" : "int16");
    case "mediumint":
      return integer("int32");
    case "int":
      return integer(isUnsigned ? "int64" : "int32");
    case "bigint":
      return isUnsigned ? bigintUnsigned(modes) : integer("int64");
    case "float":
      return { schema: { type: "float" }, encode: (value) => new NumberText(shortestFloat(Number(value))) };
    case "double":
      return { schema: { type: "double" }, encode: Number };
    case "decimal":
      return decimal(first, second, modes);
    case "binary":
    case "varbinary":
    case "tinyblob":
    case "blob":
    case "mediumblob":
    case "longblob":
      return bytes(modes);
    case "date":
      return { schema: logical("int32", "io.debezium.time.Date"), encode: (value) => days(String(value)) };
    case "time":
      return {
        schema: logical("int64", "io.debezium.time.MicroTime"),
        encode: (value) => timeMicros(String(value)),
      };
    case "datetime":
      return datetime(first);
    case "timestamp":
      return {
        schema: logical("string", "io.debezium.time.ZonedTimestamp"),
        encode: (value) => `${String(value).replace(" ", "T")}Z`,
      };
    case "year":
      // The binlog has years since 1900, and 0 for the year 0000.
      return {
        schema: logical("int32", "io.debezium.time.Year"),
        encode: (value) => (Number(value) === 1900 ? 0 : Number(value)),
      };
    case "enum":
      return choice("io.debezium.data.Enum", type);
    case "set":
      return choice("io.debezium.data.EnumSet", type);
    case "point":
    case "linestring":
    case "polygon":
      return geometry(base);
    default:
      return text();
  }
}

function logical(type: string, name: string, parameters?: Record<string, string>): Kind["schema"] {
  return { type, name, version: 1, ...(parameters === undefined ? {} : { parameters }) };
}

function text(name?: string): Kind {
  return { schema: name === undefined ? { type: "string" } : logical("string", name), encode: textOf };
}

/** JSON comes as bytes from the binlog, whose column has no character set for its reader. */
function textOf(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString("utf8") : String(value);
}

function integer(type: string): Kind {
  return { schema: { type }, encode: (value) => BigInt(String(value)) };
}

function bigintUnsigned({ bigintUnsigned: mode }: ConnectorModes): Kind {
  if (mode === "precise") return decimal(20, 0, { ...DEFAULT_MODES });
  return { schema: { type: "int64" }, encode: (value) => BigInt.asIntN(64, BigInt(String(value))) };
}

function decimal(precision: number, scale: number, { decimal: mode }: ConnectorModes): Kind {
  if (mode === "string") return text();
  if (mode === "double") return { schema: { type: "double" }, encode: Number };
  return {
    schema: logical("bytes", "org.apache.kafka.connect.data.Decimal", {
      scale: String(scale),
      "connect.decimal.precision": String(precision),
    }),
    encode: (value) => bigEndian(BigInt(String(value).replace(".", ""))).toString("base64"),
  };
}

/** Two's complement in as few bytes as hold it, as Java's BigInteger has it. */
function bigEndian(value: bigint): Buffer {
  let length = 1;
  while (BigInt.asIntN(8 * length, value) !== value) length += 1;
  const hex = BigInt.asUintN(8 * length, value)
    .toString(16)
    .padStart(2 * length, "0");
  return Buffer.from(hex, "hex");
}

function bytes({ binary: mode }: ConnectorModes): Kind {
  const encoding = (
    { bytes: "base64", base64: "base64", "base64-url-safe": "base64url", hex: "hex" } as const
  )[mode];
  return {
    schema: { type: mode === "bytes" ? "bytes" : "string" },
    encode: (value) => {
      const encoded = Buffer.from(value as Uint8Array).toString(encoding);
      // Java's encoder pads also the form for URLs.
      return encoding === "base64url" ? encoded.padEnd(Math.ceil(encoded.length / 4) * 4, "=") : encoded;
    },
  };
}

function bits(length: number): Kind {
  if (length === 1) return { schema: { type: "boolean" }, encode: (value) => (value as Uint8Array)[0] === 1 };
  return {
    schema: logical("bytes", "io.debezium.data.Bits", { length: String(length) }),
    encode: (value) =>
      Buffer.from(value as Uint8Array)
        .reverse()
        .toString("base64"),
  };
}

function choice(name: string, type: string): Kind {
  return { schema: logical("string", name, { allowed: choicesOf(type).join(",") }), encode: String };
}

/** The values of an ENUM or a SET. */
export function choicesOf(type: string): string[] {
  return [...type.matchAll(/'((?:[^']|'')*)'/g)].map((match) => (match[1] ?? "").replaceAll("''", "'"));
}

function geometry(kind: PlainGeometry): Kind {
  const name = kind === "point" ? "io.debezium.data.geometry.Point" : "io.debezium.data.geometry.Geometry";
  const point = [column("double", { field: "x" }), column("double", { field: "y" })];
  const common = [column("bytes", { field: "wkb" }), column("int32", { field: "srid" })];
  return {
    schema: { ...logical("struct", name), fields: kind === "point" ? [...point, ...common] : common },
    encode: (value) => geometryOf(kind, value),
  };
}

function datetime(digits: number): Kind {
  const isMicro = digits > 3;
  return {
    schema: logical("int64", isMicro ? "io.debezium.time.MicroTimestamp" : "io.debezium.time.Timestamp"),
    encode: (value) => {
      const [date = "", time = ""] = String(value).split(" ");
      const micros = BigInt(days(date)) * 86_400_000_000n + timeMicros(time);
      return isMicro ? micros : micros / 1_000n;
    },
  };
}

const isTemporal = (type: string): boolean => /^(date|timestamp)/.test(type);
const isZeroDate = (value: unknown): boolean => typeof value === "string" && value.startsWith("0000-00-00");

function epochOf({ schema }: Kind): unknown {
  return schema.type === "string" ? "1970-01-01T00:00:00Z" : 0;
}

function days(date: string): number {
  return Date.parse(`${date}T00:00:00Z`) / 86_400_000;
}

/** Of `-838:59:59.000000` and the like. */
function timeMicros(time: string): bigint {
  const match = /^(-?)(\d+):(\d\d):(\d\d)(?:\.(\d+))?$/.exec(time);
  if (match === null) throw new Error(`not a time: ${time}`);
  const [, sign, hours = "", minutes = "", seconds = "", fraction = ""] = match;
  const whole = (BigInt(hours) * 60n + BigInt(minutes)) * 60n + BigInt(seconds);
  const micros = whole * 1_000_000n + BigInt(fraction.padEnd(6, "0"));
  return sign === "-" ? -micros : micros;
}

/** The shortest decimal text that reads back as the same 32-bit float, as Java prints one. */
function shortestFloat(given: number): string {
  const value = Math.fround(given);
  for (let digits = 1; digits < 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return String(Number(text));
  }
  return String(value);
}
