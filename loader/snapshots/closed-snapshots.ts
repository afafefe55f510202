/**
 * The marks of snapshots that have come whole, from the tracker that made them to the worker that needs them.
 *
 * They are final: records that the lane reads while the work waits for its turn are of the time after the snapshot.
 */
import type { TableTask } from "../lanes/units/unit.ts";
import type { RowMarks } from "./row-marks.ts";

export class ClosedSnapshots {
  readonly #marks = new Map<string, RowMarks>();

  put(task: TableTask, marks: RowMarks): void {
    this.#marks.set(nameOf(task), marks);
  }

  get(task: TableTask): RowMarks | null {
    return this.#marks.get(nameOf(task)) ?? null;
  }

  drop(task: TableTask): void {
    this.#marks.delete(nameOf(task));
  }
}

function nameOf({ target: { family, table }, record: { topic, partition, offset } }: TableTask): string {
  return `${family}/${table} ${topic}/${partition}/${offset}`;
}
