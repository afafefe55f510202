/**
 * What this reader has seen of the LDB's sequence, and the refusal to answer from an LDB that has nothing or less (R36).
 *
 * "Not found" from an empty or older LDB would be a lie: the row may well exist.
 */
import { CtlstoreError } from "../core/errors.ts";

export class SeenState {
  /** The highest sequence that any read of this reader was answered from; as a double, see `stateColumns`. */
  #highest = 0;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Call with the sequence that a read was answered from, before its answer is used.
   * @param sequence null when the LDB has none
   * @throws CtlstoreError `ldb_empty`, `ldb_regressed`
   */
  accept(sequence: number | null): void {
    if (sequence === null || sequence < 1) throw this.#empty();
    if (sequence < this.#highest) throw this.#regressed(sequence);
    this.#highest = sequence;
  }

  #empty(): CtlstoreError {
    return new CtlstoreError(
      "ldb_empty",
      `Cannot read the LDB at ${this.#path}: it was never filled; it needs a Reflector that has caught up`,
      { hint: "see the Reflector's /status, or wait with waitFor(1)" },
    );
  }

  #regressed(sequence: number): CtlstoreError {
    return new CtlstoreError(
      "ldb_regressed",
      `Cannot read the LDB at ${this.#path}: it is at sequence ${sequence}; this reader has read sequence ${this.#highest} already`,
      {
        hint: "it answers again once the Reflector has caught up; a reader opened now starts from what is there",
      },
    );
  }
}
