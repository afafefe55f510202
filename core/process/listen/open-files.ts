/**
 * How many connections a process can have by what it may open. Beyond that nothing opens any more, files and the
 * connections to the ctldb included, and Bun's event loop spins until somebody leaves.
 */
import { readFileSync } from "node:fs";
import { LISTEN_LIMITS } from "../../limits.ts";

/** A connection through a front: the client's, and both ends of the one to the server behind. */
const FILES_PER_CONNECTION = 3;

/** @param limits the text of /proc/self/limits; null where there is none, which bounds nothing */
export function connectionsAllowed(limits: string | null = readLimits()): number {
  // The soft limit: Bun raises it to the hard one when it starts.
  const [, soft] = /^Max open files +(\d+)/m.exec(limits ?? "") ?? [];
  if (soft === undefined) return Number.POSITIVE_INFINITY;
  return Math.max(1, Math.floor((Number(soft) - LISTEN_LIMITS.otherFiles) / FILES_PER_CONNECTION));
}

function readLimits(): string | null {
  try {
    return readFileSync("/proc/self/limits", "utf8");
  } catch {
    return null;
  }
}
