/** Rows that a snapshot brought, or that were written since, by the partition that said so. */
import type { RowMutation } from "../mapping/mapping.ts";
import { digestOfKey, KeyMarks } from "./key-marks.ts";

export class RowMarks {
  readonly #byPartition = new Map<number, KeyMarks>();

  get size(): number {
    let size = 0;
    for (const marks of this.#byPartition.values()) size += marks.size;
    return size;
  }

  /** What came before the first row of the snapshot is older than it. */
  forget(partition: number): void {
    this.#byPartition.delete(partition);
  }

  take(partition: number, mutations: readonly RowMutation[]): void {
    let own = this.#byPartition.get(partition);
    if (own === undefined) {
      own = new KeyMarks();
      this.#byPartition.set(partition, own);
    }
    for (const { keyText, delete: isDelete } of mutations) {
      const digest = digestOfKey(keyText);
      if (!isDelete) own.add(digest);
      else for (const marks of this.#byPartition.values()) marks.delete(digest);
    }
  }

  has(keyText: string): boolean {
    const digest = digestOfKey(keyText);
    for (const marks of this.#byPartition.values()) if (marks.has(digest)) return true;
    return false;
  }
}
