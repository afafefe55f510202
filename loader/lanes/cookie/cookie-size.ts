/** How large a lane's cookie may get: asked before the first event is loaded, not when the offsets have grown (I13). */
import { LANE_LIMITS } from "../../../core/limits.ts";
import type { LanePlan } from "../lane-contract.ts";

/** Bytes of the parts of a cookie, which `cookie.ts` writes. */
export const COOKIE_PARTS = { magic: 2, version: 1, salt: 6, hash: 6 } as const;
/** A step has up to 35 bits. */
const STEP_BYTES = 5;

/**
 * The bytes of the largest cookie of a lane with one snapshot open, offsets up to 2^53 and a snapshot of 2^33 events.
 * More snapshots at once are kept while they fit.
 */
export function largestCookieBytes(plan: Pick<LanePlan, "partitions" | "snapshotTables">): number {
  const { magic, version, salt, hash } = COOKIE_PARTS;
  const counts = new Map<string, number>();
  const ends = new Map<string, number>();
  for (const { topic, partition } of plan.partitions) {
    counts.set(topic, (counts.get(topic) ?? 0) + 1);
    ends.set(topic, Math.max(ends.get(topic) ?? 0, partition));
  }
  let bytes = magic + version + salt + STEP_BYTES + varintBytes(counts.size) + 1;
  let snapshotBytes = 0;
  for (const [topic, count] of counts) {
    bytes += hash + varintBytes(ends.get(topic) ?? 0) + varintBytes(count);
    bytes += count * LANE_LIMITS.cookieOffsetBytes;
    if (!plan.snapshotTables.some((table) => table.topic === topic)) continue;
    const own = hash + varintBytes(counts.size) + count * LANE_LIMITS.cookieSnapshotBytes;
    snapshotBytes = Math.max(snapshotBytes, own);
  }
  return bytes + snapshotBytes;
}

/** Seven bits each. */
function varintBytes(number: number): number {
  return number < 0x80 ? 1 : 1 + varintBytes(Math.floor(number / 0x80));
}
