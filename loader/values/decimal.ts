/**
 * Decimal numbers of any size as what they are, digits and a scale, and their way into text, integers and doubles without a
 * digit lost.
 */
import { VALUE_LIMITS } from "../../core/limits.ts";
import { Misfit } from "./column-reader.ts";

/** `unscaled` × 10^-`scale`. The scale is never negative. */
export interface Decimal {
  readonly unscaled: bigint;
  readonly scale: number;
}

const JSON_NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,9}))?$/;
/** As `toPlainString` of Java and MySQL write decimals. */
const PLAIN_DECIMAL = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;

/** The value of a JSON number's text, exponent and all. @throws Misfit */
export function decimalFromJsonNumber(text: string): Decimal {
  const match = text.length <= VALUE_LIMITS.decimalDigits ? JSON_NUMBER.exec(text) : null;
  if (match === null) throw new Misfit(`a number of at most ${VALUE_LIMITS.decimalDigits} digits`);
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = match;
  return rescaled(BigInt(`${sign}${whole}${fraction}`), fraction.length - Number(exponent));
}

/** The value of a decimal written as text, or null for other text. */
export function decimalFromText(text: string): Decimal | null {
  if (text.length > VALUE_LIMITS.decimalDigits || !PLAIN_DECIMAL.test(text)) return null;
  const point = text.indexOf(".");
  if (point < 0) return { unscaled: BigInt(text), scale: 0 };
  return { unscaled: BigInt(text.slice(0, point) + text.slice(point + 1)), scale: text.length - point - 1 };
}

/** The value of digits written as Java's BigInteger writes them: a two's complement, the highest byte first. @throws Misfit */
export function decimalFromBytes(bytes: Buffer, scale: number): Decimal {
  if (bytes.length === 0) throw new Misfit("at least one byte of digits");
  // A byte holds 2.4 digits.
  if (bytes.length * 2 > VALUE_LIMITS.decimalDigits) {
    throw new Misfit(`a decimal of at most ${VALUE_LIMITS.decimalDigits} digits`);
  }
  const unscaled =
    bytes.length <= 6
      ? BigInt(bytes.readIntBE(0, bytes.length))
      : BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString("hex")}`));
  return rescaled(unscaled, scale);
}

/** With a scale that is not negative. @throws Misfit for one that no origin has */
function rescaled(unscaled: bigint, scale: number): Decimal {
  if (Math.abs(scale) > VALUE_LIMITS.decimalDigits) {
    if (unscaled === 0n) return { unscaled, scale: 0 };
    throw new Misfit(`a decimal of at most ${VALUE_LIMITS.decimalDigits} digits`);
  }
  return scale >= 0 ? { unscaled, scale } : { unscaled: unscaled * 10n ** BigInt(-scale), scale: 0 };
}

/** Without exponent, with all digits of the scale: 1230 with scale 2 is "12.30". */
export function decimalToText({ unscaled, scale }: Decimal): string {
  if (scale === 0) return unscaled.toString();
  const sign = unscaled < 0n ? "-" : "";
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, "0");
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** @throws Misfit for one with a fraction */
export function decimalToInteger({ unscaled, scale }: Decimal): bigint {
  if (scale === 0) return unscaled;
  const unit = 10n ** BigInt(scale);
  if (unscaled % unit !== 0n) throw new Misfit("a number without fraction");
  return unscaled / unit;
}

/** Every decimal of fewer digits comes back unchanged from the double nearest to it, within these scales. */
export const SAFE_DIGITS = 10n ** 15n;
const SAFE_SCALE = 290;

/**
 * The double that stands for exactly this decimal: it is equal to it, or prints as it (12.34, which no double equals). So whoever
 * prints the field sees the origin's value.
 *
 * @throws Misfit when the nearest double is another number
 */
export function decimalToDouble(decimal: Decimal): number {
  const { unscaled, scale } = decimal;
  const double = Number(decimalToText(decimal));
  if (unscaled > -SAFE_DIGITS && unscaled < SAFE_DIGITS && scale <= SAFE_SCALE) return double;
  if (!standsFor(double, decimal)) {
    throw new Misfit(
      "a number that a double holds: at most 15 digits are always exact",
      "use a string field, which keeps every digit",
    );
  }
  return double;
}

/** @throws Misfit when no double is equal to it */
export function integerToDouble(integer: number | bigint): number {
  return typeof integer === "number" ? integer : decimalToDouble({ unscaled: integer, scale: 0 });
}

function standsFor(double: number, decimal: Decimal): boolean {
  if (!Number.isFinite(double)) return false;
  const integral = Number.isInteger(double) ? BigInt(double) : null;
  if (integral !== null && integral * 10n ** BigInt(decimal.scale) === decimal.unscaled) return true;
  // Integers beyond 2^53 print rounded: only being equal counts.
  if (integral !== null && !Number.isSafeInteger(double)) return false;
  return isSame(decimalFromJsonNumber(String(double)), decimal);
}

function isSame(a: Decimal, b: Decimal): boolean {
  const scale = Math.max(a.scale, b.scale);
  return a.unscaled * 10n ** BigInt(scale - a.scale) === b.unscaled * 10n ** BigInt(scale - b.scale);
}
