/**
 * The canonical form of a row: equal bytes exactly when the cells are stored alike (I8).
 *
 * Each cell is one byte for its storage class, then: nothing for null, 8 bytes big-endian for an integer, the 8 bytes
 * of a double, or a length of 4 bytes with the bytes of text or blob.
 */
import { type Cell, InvalidText, REPLACEMENT_CHARACTER } from "../sql/stored-rows.ts";

const CLASS = { null: 0, integer: 1, real: 2, text: 3, blob: 4 } as const;
const CLASS_AND_LENGTH_BYTES = 5;

export class RowEncoder {
  #buffer = Buffer.alloc(64 * 1024);
  #length = 0;
  #sawReplacement = false;

  /** True once a text held U+FFFD, which may stand for bytes that are not UTF-8. */
  get sawReplacement(): boolean {
    return this.#sawReplacement;
  }

  /** The row's bytes, in a buffer that the next call uses again. */
  encode(cells: readonly Cell[]): Uint8Array {
    this.#length = 0;
    for (const cell of cells) this.#add(cell);
    return this.#buffer.subarray(0, this.#length);
  }

  /** The same as text that can be a key in a Set. */
  encodeAsText(cells: readonly Cell[]): string {
    this.encode(cells);
    return this.#buffer.toString("latin1", 0, this.#length);
  }

  #add(cell: Cell): void {
    if (typeof cell === "string") this.#addText(cell);
    else if (typeof cell === "bigint") {
      this.#reserve(9);
      this.#buffer[this.#length] = CLASS.integer;
      this.#buffer.writeBigInt64BE(cell, this.#length + 1);
      this.#length += 9;
    } else if (typeof cell === "number") {
      this.#reserve(9);
      this.#buffer[this.#length] = CLASS.real;
      // Neither database keeps the sign of zero.
      this.#buffer.writeDoubleBE(cell === 0 ? 0 : cell, this.#length + 1);
      this.#length += 9;
    } else if (cell === null) {
      this.#reserve(1);
      this.#buffer[this.#length++] = CLASS.null;
    } else if (cell instanceof InvalidText) this.#addBytes(CLASS.text, cell.bytes);
    else this.#addBytes(CLASS.blob, cell);
  }

  #addText(text: string): void {
    if (text.includes(REPLACEMENT_CHARACTER)) this.#sawReplacement = true;
    this.#reserve(CLASS_AND_LENGTH_BYTES + 3 * text.length);
    const bytes = this.#buffer.write(text, this.#length + CLASS_AND_LENGTH_BYTES, "utf8");
    this.#addHeader(CLASS.text, bytes);
    this.#length += bytes;
  }

  #addBytes(storageClass: number, bytes: Uint8Array): void {
    this.#reserve(CLASS_AND_LENGTH_BYTES + bytes.length);
    this.#addHeader(storageClass, bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #addHeader(storageClass: number, length: number): void {
    this.#buffer[this.#length] = storageClass;
    this.#buffer.writeUInt32BE(length, this.#length + 1);
    this.#length += CLASS_AND_LENGTH_BYTES;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const larger = Buffer.alloc(2 * (this.#length + bytes));
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
  }
}
