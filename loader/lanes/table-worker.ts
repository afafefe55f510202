/** The seam between a lane and work on whole tables (`TableUnit`). */
import type { RowMutation } from "../mapping/mapping.ts";
import type { TableTask } from "./units/unit.ts";

/** What a lane lends to work on a table while its own batches stand still. */
export interface LaneHold {
  /**
   * Writes one batch under the lane's cookie, which keeps its positions and counts its step. It fails when another loader
   * has moved the cookie meanwhile, and then nothing was written: so no row is deleted on knowledge that has grown old.
   */
  write(mutations: readonly RowMutation[]): Promise<void>;
  readonly signal: AbortSignal;
}

/** What the last work of a table came to, for a status. */
export interface TableWorkReport {
  readonly family: string;
  readonly table: string;
  readonly topic: string;
  /** "held-back": a sweep would have deleted more than the mapping allows. */
  readonly work: "cleared" | "reported" | "deleted" | "held-back";
  readonly rows: number;
  /** In milliseconds since 1970. */
  readonly atMs: number;
}

export interface TableWorker {
  /** The last one of each table, since the lane was opened. */
  readonly reports?: readonly TableWorkReport[];
  /** May be cut short anywhere and run again from the beginning. @throws CtlstoreError */
  run(task: TableTask, hold: LaneHold): Promise<void>;
}
