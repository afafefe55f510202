/** A Reflector as the Supervisor beside it sees it: the two know nothing of each other. */
import { realpathSync } from "node:fs";
import type { RunningReflector } from "../reflector/start.ts";
import type { FollowedLdb } from "../snapshot/supervisor/followed-ldb.ts";

export function followReflector(reflector: Pick<RunningReflector, "status" | "checkHistory">): FollowedLdb {
  return {
    status() {
      const { state, reason, sequence, epoch, skips, ldb } = reflector.status();
      return {
        state,
        reason,
        sequence,
        epoch,
        databasePath: resolved(ldb.path),
        isAdopted: ldb.generation === null,
        skips: skips.length,
      };
    },
    checkHistory: (snapshot, signal) => reflector.checkHistory(snapshot, signal),
    details: () => reflector.status(),
  };
}

/** As given while there is no such file: whoever opens it says so. */
function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
