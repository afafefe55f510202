/**
 * The seam between the kinds of columns and the types of fields: a reader per kind says what a value becomes in each type,
 * or why it never can. Readers get values that are neither null nor missing.
 */
import { quote } from "../../core/errors.ts";
import { NumberText } from "../../core/exact-json.ts";

/** @throws Misfit */
export type Read<Value> = (value: unknown) => Value;

export interface ColumnReader {
  readonly integer: Read<number | bigint | boolean>;
  /** A double that stands for exactly the event's value. */
  readonly decimal: Read<number>;
  /** For `string` and `text`. */
  readonly text: Read<string>;
  /** For `binary` and `bytestring`. */
  readonly bytes: Read<Uint8Array>;
}

/** Why a value cannot be had in a type. `convert.ts` knows the field and makes the error of it. */
export class Misfit extends Error {
  override readonly name = "Misfit";
  /** What the field would need, or what the event should have had. */
  readonly needed: string;
  readonly hint: string | null;

  constructor(needed: string, hint: string | null = null) {
    super(needed);
    this.needed = needed;
    this.hint = hint;
  }
}

/** A read that never succeeds. */
export function never(needed: string, hint: string | null = null): Read<never> {
  return () => {
    throw new Misfit(needed, hint);
  };
}

export const NO_BYTES = never(
  "a column of bytes: text and numbers have no bytes that everybody agrees on",
  "use a string or text field",
);

/** A value for an error message. */
export function shown(value: unknown): string {
  return value instanceof NumberText ? quote(value.text).slice(1, -1) : quote(value);
}
