/** A JSON array of rows, made piece by piece. */
import type { Row } from "../reader/types.ts";
import type { RowJson } from "./row-json.ts";

export interface PieceLimits {
  /** A piece ends with the row that goes beyond. */
  readonly pieceBytes: number;
  readonly pieceRows: number;
}

export class RowPieces {
  readonly #rows: Iterator<Row, void>;
  readonly #rowJson: RowJson;
  readonly #limits: PieceLimits;
  #count = 0;
  #isDone = false;

  constructor(rows: Iterator<Row, void>, rowJson: RowJson, limits: PieceLimits) {
    this.#rows = rows;
    this.#rowJson = rowJson;
    this.#limits = limits;
  }

  /** Rows so far. */
  get count(): number {
    return this.#count;
  }

  /** True when the piece with the end of the array was taken. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** The next piece; not to be asked for after the last one. */
  next(): string {
    const { pieceBytes, pieceRows } = this.#limits;
    let text = this.#count === 0 ? "[" : "";
    for (let rows = 0; rows < pieceRows && text.length < pieceBytes; rows++) {
      const step = this.#rows.next();
      if (step.done === true) {
        this.#isDone = true;
        return `${text}]`;
      }
      if (this.#count > 0) text += ",";
      text += this.#rowJson(step.value);
      this.#count += 1;
    }
    return text;
  }

  /** Lets go of the rows that were not taken. */
  stop(): void {
    this.#rows.return?.();
  }
}
