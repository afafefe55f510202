/** Whether a run that ends by itself is done, or cannot be: its caller wants an exit code, not a wait without end. */
import { CtlstoreError } from "../../core/errors.ts";
import { LOADER_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/process/clock.ts";
import type { LaneSet } from "./lane-set.ts";
import type { LoaderMeter } from "./metrics.ts";

export interface OnceWatchDeps {
  readonly clock: Clock;
  readonly lanes: LaneSet;
  readonly meter: LoaderMeter;
}

export class OnceWatch {
  readonly #deps: OnceWatchDeps;
  #progress = 0;
  #sinceMs: number;

  constructor(deps: OnceWatchDeps) {
    this.#deps = deps;
    this.#sinceMs = deps.clock.monotonicMs();
  }

  /** @throws CtlstoreError `ctldb_unavailable` when nothing has moved for too long and something is waited for */
  get isDone(): boolean {
    const { clock, lanes, meter } = this.#deps;
    if (lanes.areCaughtUp) return true;
    const { records, batches } = meter.totals;
    const nowMs = clock.monotonicMs();
    if (records + batches !== this.#progress) {
      this.#progress = records + batches;
      this.#sinceMs = nowMs;
    }
    if (nowMs - this.#sinceMs > LOADER_LIMITS.oncePatienceMs) this.#giveUp();
    return false;
  }

  /** Goes on when no lane waits: something slow is being done. */
  #giveUp(): void {
    const statuses = this.#deps.lanes.lives.flatMap(({ lane }) => (lane === null ? [] : [lane.status()]));
    const waiting = statuses.find(({ state }) => state === "waiting" || state === "opening");
    if (waiting === undefined) return;
    throw new CtlstoreError(
      "ctldb_unavailable",
      `Cannot go on with lane ${waiting.name}: nothing was written for ${LOADER_LIMITS.oncePatienceMs / 1000} seconds${waiting.why === null ? "" : ` (${waiting.why})`}`,
      { hint: "what was loaded stays; the next run goes on from there" },
    );
  }
}
