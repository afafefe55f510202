/** How long reads take: one after the other, each with another argument. */

/** Mean microseconds per read. */
export function meanMicros<Argument>(
  read: (argument: Argument) => unknown,
  given: readonly Argument[],
): number {
  const started = Bun.nanoseconds();
  for (const argument of given) read(argument);
  return (Bun.nanoseconds() - started) / given.length / 1000;
}

/** Microseconds of each read. */
export function eachMicros<Argument>(
  read: (argument: Argument) => unknown,
  given: readonly Argument[],
): number[] {
  const micros = new Float64Array(given.length);
  for (const [i, argument] of given.entries()) {
    const started = Bun.nanoseconds();
    read(argument);
    micros[i] = (Bun.nanoseconds() - started) / 1000;
  }
  return [...micros];
}
