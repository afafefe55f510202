/** Positions in the ledger: 64-bit, so a bigint everywhere inside; a number in JSON where that is exact. */

declare const brand: unique symbol;
export type Sequence = bigint & { readonly [brand]: "Sequence" };

export const SEQUENCE_ZERO = 0n as Sequence;
const MAX_SEQUENCE = 2n ** 63n - 1n;

/** Makes a Sequence from a database value or user input. @throws RangeError if it is not an integer in 0..2^63-1 */
export function toSequence(value: bigint | number | string): Sequence {
  if (typeof value === "number" && !Number.isSafeInteger(value))
    throw new RangeError(`not a sequence: ${value}`);
  if (typeof value === "string" && !/^\d{1,19}$/.test(value))
    throw new RangeError(`not a sequence: ${JSON.stringify(value)}`);
  const sequence = BigInt(value);
  if (sequence < 0n || sequence > MAX_SEQUENCE) throw new RangeError(`not a sequence: ${sequence}`);
  return sequence as Sequence;
}

export function nextSequence(sequence: Sequence): Sequence {
  return (sequence + 1n) as Sequence;
}

/** JSON form: a number when that is exact, otherwise its decimal string (I12). */
export function sequenceToJson(sequence: bigint): number | string {
  return sequence <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(sequence) : sequence.toString();
}
