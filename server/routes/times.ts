/** Moments as the answers have them. */

const LARGEST_US = 8_640_000_000_000_000_000;

/** `2026-11-22T10:57:56.123456Z` of microseconds since 1970; what no calendar has becomes the last or first moment of it. */
export function isoOfUs(us: number): string {
  const bounded = Math.min(Math.max(us, -LARGEST_US), LARGEST_US);
  const ms = Math.floor(bounded / 1000);
  const rest = bounded - ms * 1000;
  return new Date(ms).toISOString().replace("Z", `${String(rest).padStart(3, "0")}Z`);
}

/** `2026-11-22T10:57:56.000000Z` of Unix seconds. */
export function isoOfSeconds(seconds: number): string {
  return isoOfUs(seconds * 1_000_000);
}
