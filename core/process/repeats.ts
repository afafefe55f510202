/** Bounds what is logged of a failure that goes on (R47): the first, second, fourth, eighth … in a row. */
export function isPowerOfTwo(count: number): boolean {
  return (count & (count - 1)) === 0;
}
