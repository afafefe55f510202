/** Columns, fields and conversions in short, for the tests of values. */
import { isCtlstoreError } from "../../../core/errors.ts";
import type { FieldType } from "../../../core/field-types.ts";
import { parseFieldName } from "../../../core/names.ts";
import type { FieldSchema } from "../../../core/schema.ts";
import { type ColumnRules, DEFAULT_COLUMN_RULES } from "../../../loader/values/column-rules.ts";
import type { ConnectType } from "../../../loader/values/connect-type.ts";
import { converterFor } from "../../../loader/values/convert.ts";

/** A column's type in an event's schema: `io.debezium.` may be left out of the logical name's beginning. */
export function column(
  type: string,
  name: string | null = null,
  parameters: Readonly<Record<string, string>> = {},
  more: Partial<ConnectType> = {},
): ConnectType {
  const isShort = name !== null && /^(?:time|data)\./.test(name);
  return {
    type,
    name: isShort ? `io.debezium.${name}` : name,
    isOptional: true,
    parameters,
    fields: null,
    items: null,
    ...more,
  };
}

/** What `column.propagate.source.type` adds to a column's parameters. */
export function source(type: string, length?: number, scale?: number): Record<string, string> {
  return {
    "__debezium.source.column.type": type,
    ...(length === undefined ? {} : { "__debezium.source.column.length": String(length) }),
    ...(scale === undefined ? {} : { "__debezium.source.column.scale": String(scale) }),
  };
}

/** DECIMAL as mode `precise` declares it. */
export function decimalColumn(scale: number, precision = 65): ConnectType {
  return column("bytes", "org.apache.kafka.connect.data.Decimal", {
    scale: String(scale),
    "connect.decimal.precision": String(precision),
  });
}

export function rules(given: Partial<ColumnRules> = {}): ColumnRules {
  return { ...DEFAULT_COLUMN_RULES, ...given };
}

export function field(type: FieldType): FieldSchema {
  return { name: parseFieldName("amount"), type };
}

/** The field's value; of a refusal its message and hint, behind "refused: ". */
export function convert(
  target: FieldType,
  value: unknown,
  type: ConnectType | null,
  given: Partial<ColumnRules> = {},
): unknown {
  try {
    return converterFor(field(target), type, rules(given))(value);
  } catch (error) {
    if (!isCtlstoreError(error) || error.code !== "event_refused") throw error;
    if (error.details.field !== "amount") throw new Error(`names field ${error.details.field}`);
    return `refused: ${error.message}${error.details.hint === undefined ? "" : ` (${error.details.hint})`}`;
  }
}

/** One conversion and what must come out: a value, or a pattern that the refusal must match. */
export interface Case {
  readonly value: unknown;
  readonly type: ConnectType | null;
  readonly to: FieldType;
  readonly is: unknown;
  readonly rules?: Partial<ColumnRules>;
}

export function outcome({ value, type, to, is, rules: given }: Case): { got: unknown; wanted: unknown } {
  const got = convert(to, value, type, given);
  if (!(is instanceof RegExp)) return { got, wanted: is };
  const isRight = typeof got === "string" && got.startsWith("refused: ") && is.test(got);
  return { got, wanted: isRight ? got : is };
}

/** Two's complement in as few bytes as hold it, the highest first, in base64: as Java writes a BigDecimal's digits. */
export function digits(unscaled: bigint): string {
  let size = 1;
  while (BigInt.asIntN(size * 8, unscaled) !== unscaled) size += 1;
  const hex = BigInt.asUintN(size * 8, unscaled)
    .toString(16)
    .padStart(size * 2, "0");
  return Buffer.from(hex, "hex").toString("base64");
}

export function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}
