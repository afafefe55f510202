/** Why a snapshot that has ended must not tell what vanished. */
import type { Spoiled, TableSnapshot } from "./open-snapshot.ts";

export interface DoubtOptions {
  readonly partitions: readonly number[];
  readonly graceMs: number;
  readonly startedMs: number;
}

/** Null when its rows are all of the table's, and every other row is older. */
export function doubtAbout(open: TableSnapshot, options: DoubtOptions): Spoiled | null {
  if (open.isOwed) return "records-lost";
  if (open.end?.isMarked !== true) return "no-end";
  if (!open.hasBeginning && !(open.isOnlyRow && open.rows === 1)) return "no-beginning";
  // One partition has an order.
  if (options.partitions.length === 1) return null;
  for (const [partition, past] of open.pasts) {
    const inside = open.firstSeen.get(partition);
    if (!open.wasRestored.has(partition) && past.hasLost(open.beginsMs, inside)) return "records-lost";
    // Clocks differ.
    const knownMs = options.startedMs + options.graceMs;
    if (!open.readIn.has(partition) && !past.isOlderThan(open.beginsMs, knownMs)) return "out-of-step";
  }
  return null;
}
