/**
 * Work on whole tables: rows that vanished at the origin are reported or deleted, and a truncated table is cleared (R32).
 *
 * Rows go in batches under the lane's cookie: an instance that has lost the lane deletes nothing any more. Cut short
 * anywhere and run again, it deletes what is left.
 */
import { isCtlstoreError } from "../../core/errors.ts";
import { SNAPSHOT_WATCH_LIMITS } from "../../core/limits.ts";
import type { TableSchema } from "../../core/schema.ts";
import type { LaneHold, TableWorker, TableWorkReport } from "../lanes/table-worker.ts";
import type { TableTask } from "../lanes/units/unit.ts";
import { keyTextOf } from "../mapping/key-text.ts";
import type { RowMutation, TableMapping } from "../mapping/mapping.ts";
import type { ClosedSnapshots } from "./closed-snapshots.ts";
import type { RowMarks } from "./row-marks.ts";
import type { SnapshotMeter, VanishedDone } from "./snapshot-meter.ts";
import { keyPages, type ListedKey, type TableRowsDeps } from "./table-rows.ts";

export interface TableWorkerDeps extends TableRowsDeps {
  readonly closed: ClosedSnapshots;
  readonly meter: SnapshotMeter;
}

/** What a snapshot says of a table of ours. */
interface Found {
  readonly rows: number;
  readonly vanished: number;
  /** The first few of those. */
  readonly keys: readonly ListedKey[];
}

export class ExecutiveTableWorker implements TableWorker {
  readonly #deps: TableWorkerDeps;
  readonly #reports = new Map<string, TableWorkReport>();

  constructor(deps: TableWorkerDeps) {
    this.#deps = deps;
  }

  /** The last one of each table. */
  get reports(): readonly TableWorkReport[] {
    return [...this.#reports.values()];
  }

  async run(task: TableTask, hold: LaneHold): Promise<void> {
    try {
      await (task.kind === "clear" ? this.#clear(task, hold) : this.#removeVanished(task, hold));
    } catch (error) {
      if (!isGone(error)) throw error;
      // With the table its rows are gone.
      const { family, table } = task.target;
      this.#deps.logger.warn(
        { family, table },
        "a table that was to be swept or cleared does not exist any more",
      );
    }
    this.#deps.closed.drop(task);
  }

  async #clear(task: TableTask, hold: LaneHold): Promise<void> {
    const { family, table } = task.target;
    let rows = 0;
    for await (const keys of this.#ownKeys(task.target, hold.signal)) {
      await this.#deleteAll(task.target, keys, hold);
      rows += keys.length;
      this.#deps.meter.cleared(family, table, keys.length);
    }
    this.#report(task, "cleared", rows);
    this.#deps.logger.info({ family, table, rows }, "the origin truncated a table: its rows are deleted");
  }

  async #removeVanished(task: TableTask, hold: LaneHold): Promise<void> {
    const marks = this.#deps.closed.get(task);
    const { target } = task;
    // Without marks it is done: they are kept until it is.
    if (marks === null || target.schema === null) return;
    const found = await this.#count(target, marks, hold.signal);
    const done = isTooMuch(target, found)
      ? "held-back"
      : target.vanishedRows === "sweep"
        ? "deleted"
        : "reported";
    if (done === "deleted") await this.#sweep(target, marks, hold);
    else this.#deps.meter.vanished(target.family, target.table, done, found.vanished);
    this.#report(task, done, found.vanished);
    this.#tellVanished(target, done, found);
  }

  async #sweep(target: TableMapping, marks: RowMarks, hold: LaneHold): Promise<void> {
    for await (const keys of this.#vanishedKeys(target, marks, hold.signal)) {
      await this.#deleteAll(target, keys, hold);
      this.#deps.meter.vanished(target.family, target.table, "deleted", keys.length);
    }
  }

  /** Looks before anything is deleted: a sweep cannot be taken back. */
  async #count(target: TableMapping, marks: RowMarks, signal: AbortSignal): Promise<Found> {
    const { namedKeys } = SNAPSHOT_WATCH_LIMITS;
    const found = { rows: 0, vanished: 0, keys: [] as ListedKey[] };
    const onRows = (rows: number) => {
      found.rows += rows;
    };
    for await (const keys of this.#vanishedKeys(target, marks, signal, onRows)) {
      found.vanished += keys.length;
      found.keys.push(...keys.slice(0, namedKeys - found.keys.length));
    }
    return found;
  }

  /** @param onRows told how many rows each page had in all */
  async *#vanishedKeys(
    target: TableMapping,
    marks: RowMarks,
    signal: AbortSignal,
    onRows: (rows: number) => void = () => {},
  ): AsyncGenerator<readonly ListedKey[]> {
    const { schema } = target;
    if (schema === null) return;
    for await (const keys of this.#ownKeys(target, signal)) {
      onRows(keys.length);
      yield keys.filter((key) => !marks.has(keyTextOf(schema, key)));
    }
  }

  #tellVanished(target: TableMapping, done: VanishedDone, { rows, vanished, keys }: Found): void {
    const { logger } = this.#deps;
    const { family, table, topic, sweepAtMostPercent } = target;
    const fields = { family, table, topic, rows, vanished, keys };
    if (vanished === 0) logger.info(fields, "no row vanished at the origin");
    else if (done === "deleted") logger.warn(fields, "rows that vanished at the origin are deleted");
    else if (done === "reported")
      logger.warn(fields, "rows vanished at the origin and are still here: the mapping says to report them");
    else {
      logger.error(
        { ...fields, sweepAtMostPercent },
        "so many rows vanished at the origin that none is deleted: if that is right, allow it by sweepAtMostPercent and take another snapshot",
      );
    }
  }

  /** Keys of the rows that came from this origin: where several share a table, those with its constants. */
  async *#ownKeys(target: TableMapping, signal: AbortSignal): AsyncGenerator<readonly ListedKey[]> {
    const { schema } = target;
    if (schema === null) return;
    const constants = schema.keyFields.filter((field) => target.constants.has(field));
    const keyOf = constantsText(schema, constants);
    const wanted = keyOf(Object.fromEntries(target.constants));
    for await (const keys of keyPages(this.#deps, target, signal)) {
      yield constants.length === 0 ? keys : keys.filter((key) => keyOf(key) === wanted);
    }
  }

  async #deleteAll(target: TableMapping, keys: readonly ListedKey[], hold: LaneHold): Promise<void> {
    const { batchRows } = SNAPSHOT_WATCH_LIMITS;
    for (let at = 0; at < keys.length; at += batchRows) {
      hold.signal.throwIfAborted();
      await hold.write(keys.slice(at, at + batchRows).map((key) => deletion(target, key)));
    }
  }

  #report(
    { target: { family, table, topic } }: TableTask,
    work: TableWorkReport["work"],
    rows: number,
  ): void {
    const atMs = Math.round(this.#deps.clock.nowUs() / 1000);
    this.#reports.set(`${topic} ${family}/${table}`, { family, table, topic, work, rows, atMs });
  }
}

/** Compares the constants of a key alone, however they are written. */
function constantsText(schema: TableSchema, constants: readonly TableSchema["keyFields"][number][]) {
  const part: TableSchema = { ...schema, keyFields: constants };
  return (values: ListedKey): string => keyTextOf(part, values);
}

function deletion(target: TableMapping, key: ListedKey): RowMutation {
  const { family, table, schema } = target;
  const keyText = schema === null ? "" : keyTextOf(schema, key);
  return { family, table, delete: true, values: key, keyText };
}

function isTooMuch({ vanishedRows, sweepAtMostPercent }: TableMapping, { rows, vanished }: Found): boolean {
  if (vanishedRows !== "sweep" || vanished <= SNAPSHOT_WATCH_LIMITS.sweep.freeRows) return false;
  return vanished * 100 > sweepAtMostPercent * rows;
}

function isGone(error: unknown): boolean {
  return isCtlstoreError(error) && (error.code === "unknown_table" || error.code === "unknown_family");
}
