/** A store of snapshots on the status page: its newest snapshot, and how old it is. */
import { isCtlstoreError } from "../../core/errors.ts";
import { SNAPSHOT_LIMITS, STATUS_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { AskOptions } from "./ask.ts";
import { ageText, type PartLook, part, problem } from "./part.ts";

export async function lookAtStore(url: string, clock: Clock, options: AskOptions): Promise<PartLook> {
  const limit = AbortSignal.timeout(1000 * options.timeoutSeconds);
  try {
    const { openSnapshotStore } = await import("../../snapshot/stores/open.ts");
    const { readIndex } = await import("../../snapshot/documents.ts");
    await using store = await openSnapshotStore(url);
    const found = await readIndex(store, AbortSignal.any([options.signal, limit]));
    if (found === null)
      return unwell(url, "empty", problem("It holds no snapshot", { code: "snapshot_not_found" }));
    const { sequence, epoch, createdAt } = found.index.latest;
    const ageSeconds = clock.nowUs() / 1_000_000 - Date.parse(createdAt) / 1000;
    // The interval is the Supervisor's own; this is how it is unless somebody chose another.
    const isOld = ageSeconds * 1000 > STATUS_LIMITS.snapshotIntervals * SNAPSHOT_LIMITS.intervalMs.default;
    return part({
      part: "snapshots",
      where: url,
      health: isOld ? "notice" : "well",
      state: isOld ? "old" : "fresh",
      sequence,
      epoch,
      facts: [`newest made ${ageText(ageSeconds)} ago`, `${1 + found.index.previous.length} kept`],
    });
  } catch (error) {
    if (limit.aborted)
      return unwell(url, "not reached", problem(`No answer within ${options.timeoutSeconds} s`));
    if (!isCtlstoreError(error)) throw error;
    const { code, message, details } = error;
    return unwell(url, "not reached", problem(message, { code, hint: details.hint ?? null }));
  }
}

function unwell(where: string, state: string, found: ReturnType<typeof problem>): PartLook {
  return part({ part: "snapshots", where, health: "unwell", state, problems: [found] });
}
