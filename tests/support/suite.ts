/**
 * How much of the long random suites runs: a sample in the quick suite, all of it in the deep one; and its seed.
 *
 * A random test takes its seed from `suiteSeed()` and puts it into its failure message; the seed is printed once, so
 * that `CTLSTORE_TEST_SEED=… bun test …` repeats a run.
 */

/** True under `npm run test:deep`. */
export const isDeep = process.env["CTLSTORE_TEST_DEEP"] === "1";

/** The number of runs (histories, kills, documents) for the suite that runs now. */
export function runsOf(runs: { readonly quick: number; readonly deep: number }): number {
  return isDeep ? runs.deep : runs.quick;
}

/** A test's time limit, which grows with the work. */
export function timeoutMsOf(timeouts: { readonly quick: number; readonly deep: number }): number {
  return isDeep ? timeouts.deep : timeouts.quick;
}

let seed: number | null = null;

/** One seed per process: CTLSTORE_TEST_SEED, otherwise chosen. */
export function suiteSeed(): number {
  if (seed !== null) return seed;
  const given = process.env["CTLSTORE_TEST_SEED"];
  seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number.parseInt(given, 10);
  if (!Number.isSafeInteger(seed)) throw new Error(`CTLSTORE_TEST_SEED is not an integer: ${given}`);
  console.log(`seed ${seed} (repeat with CTLSTORE_TEST_SEED=${seed})`);
  return seed;
}

/** A small random generator (mulberry32): numbers in [0, 1), the same for the same seed. */
export function seededRandom(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
