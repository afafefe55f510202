/** The time that an inspection has. */
import { PREVIEW_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { Deadline } from "./inspection.ts";

export function inspectionDeadline(clock: Clock): Deadline {
  const endMs = clock.monotonicMs() + PREVIEW_LIMITS.lookMs;
  return { leftMs: () => Math.max(0, endMs - clock.monotonicMs()) };
}
