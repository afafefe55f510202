/** Timestamps: microseconds since 1970 inside, `YYYY-MM-DD hh:mm:ss` UTC where the original reads them (D21). */

/** `2026-11-22 10:57:56`, the form of `leader_ts`. */
export function formatLeaderTimestamp(timestampUs: number): string {
  return new Date(Math.floor(timestampUs / 1000)).toISOString().slice(0, 19).replace("T", " ");
}

/** `2026-11-22 10:57:56+00:00`, the form of `_ldb_last_update.timestamp`. */
export function formatLastUpdate(timestampUs: number): string {
  return `${formatLeaderTimestamp(timestampUs)}+00:00`;
}

/** Microseconds of either form, read as UTC; null when it is no timestamp. */
export function parseTimestampUs(text: string): number | null {
  const match = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d{1,6})?(?:Z|\+00:00)?$/.exec(text);
  if (match === null) return null;
  const seconds = Date.parse(`${match[1]}T${match[2]}Z`) / 1000;
  return Number.isNaN(seconds) ? null : seconds * 1_000_000 + Math.round(Number(match[3] ?? 0) * 1_000_000);
}
