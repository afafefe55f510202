/**
 * The text of the changelog's files, in the form of `format.ts`.
 *
 * A Reflector writes a line for nearly every statement that it applies, so lines are put together byte by byte from parts
 * that are the same for a whole table: as strings they would cost four times as much.
 */
import { CHANGE_KINDS, type ChangeKind, type ChangelogHeader } from "./format.ts";

/** The first line of a file, with its newline. */
export function encodeHeader({ seq, format, history, file }: ChangelogHeader): string {
  return `{"seq":${seq},"family":"","table":"","key":[],"kind":"file","format":${format},"history":"${history}","file":${file}}\n`;
}

/** A part of a key: text, or bytes in base64; an integer. */
export type KeyPart = string | number | bigint;

/** The values of a key, in key order; of a key with one part that part itself. */
export type LineKey = KeyPart | readonly KeyPart[];

/** What is the same in all lines of a table. */
export interface TableLines {
  /** From behind the sequence to the first key part's value. */
  readonly head: Uint8Array;
  /** From a key part's value to the next one's; one fewer than there are parts. */
  readonly between: readonly Uint8Array[];
  /** From behind the sequence into the empty key of a line that has none. */
  readonly keyless: Uint8Array;
  /** Of all of these. */
  readonly bytes: number;
}

/** @param key name and type of each key field, in key order */
export function tableLines(
  family: string,
  table: string,
  key: ReadonlyArray<{ readonly name: string; readonly type: string }>,
): TableLines {
  const named = `,"family":${JSON.stringify(family)},"table":${JSON.stringify(table)},"key":[`;
  const [first = "", ...others] = key.map(
    ({ name, type }) => `{"name":${JSON.stringify(name)},"type":${JSON.stringify(type)},"value":`,
  );
  const head = Buffer.from(`${named}${first}`);
  const between = others.map((part) => Buffer.from(`},${part}`));
  const bytes = between.reduce((sum, part) => sum + part.length, head.length);
  return { head, between, keyless: Buffer.from(named), bytes };
}

type Ends = Readonly<Record<ChangeKind, Uint8Array>>;

const BEGIN = Buffer.from('{"seq":');
const LAST = endsWith(',"end":true}\n');
const NOT_LAST = endsWith("}\n");
/** Of a sequence, and of all that is the same in lines of any table. */
const FIXED_BYTES = 100;
/** Of a UTF-16 code unit in JSON, as `\u0000`. */
const MOST_BYTES_PER_UNIT = 6;
const FIRST_BYTES = 64 * 1024;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ZERO = 0x30;

function endsWith(end: string): Ends {
  const text = (kind: ChangeKind) =>
    `${kind === "upsert" || kind === "delete" ? "}" : ""}],"kind":"${kind}"${end}`;
  return Object.fromEntries(CHANGE_KINDS.map((kind) => [kind, Buffer.from(text(kind))])) as unknown as Ends;
}

/** Lines, in one piece of memory that is used again; before them there is room for something else. */
export class LineBuffer {
  readonly #reserved: number;
  #bytes: Buffer;
  #at: number;
  #lines = 0;

  constructor(reservedBytes: number) {
    this.#reserved = reservedBytes;
    this.#bytes = Buffer.alloc(FIRST_BYTES);
    this.#at = reservedBytes;
  }

  /** Lines since it was cleared. */
  get lines(): number {
    return this.#lines;
  }
  /** What is before them, and they. */
  get whole(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }
  get text(): Buffer {
    return this.#bytes.subarray(this.#reserved, this.#at);
  }

  /** @param keptBytes memory beyond this is given back */
  clear(keptBytes: number): void {
    if (this.#bytes.length > keptBytes) this.#bytes = Buffer.alloc(FIRST_BYTES);
    this.#at = this.#reserved;
    this.#lines = 0;
  }

  /**
   * Adds a line.
   * @param key null for a kind that has none
   * @param isLast whether the ledger transaction ends
   */
  add(seq: bigint, lines: TableLines, kind: ChangeKind, key: LineKey | null, isLast: boolean): void {
    this.#reserve(FIXED_BYTES + lines.bytes + MOST_BYTES_PER_UNIT * unitsOf(key));
    this.#put(BEGIN);
    if (seq <= MAX_SAFE) this.#digits(Number(seq));
    else this.#ascii(seq.toString());
    this.#put(key === null ? lines.keyless : lines.head);
    if (isParts(key)) this.#parts(key, lines.between);
    else if (key !== null) this.#part(key);
    this.#put((isLast ? LAST : NOT_LAST)[kind]);
    this.#lines += 1;
  }

  #parts(parts: readonly KeyPart[], between: readonly Uint8Array[]): void {
    for (let i = 0; i < parts.length; i++) {
      const before = between[i - 1];
      if (before !== undefined) this.#put(before);
      this.#part(parts[i] ?? "");
    }
  }

  #part(part: KeyPart): void {
    if (typeof part === "string") this.#string(part);
    else if (typeof part === "number" && part >= 0) this.#digits(part);
    else this.#ascii(part.toString());
  }

  #put(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #ascii(text: string): void {
    this.#at += this.#bytes.write(text, this.#at, "latin1");
  }

  /** @param value a safe integer, not negative */
  #digits(value: number): void {
    let count = 1;
    for (let power = 10; power <= value; power *= 10) count += 1;
    let rest = value;
    for (let at = this.#at + count - 1; at >= this.#at; at--) {
      const next = Math.floor(rest / 10);
      this.#bytes[at] = ZERO + (rest - next * 10);
      rest = next;
    }
    this.#at += count;
  }

  #string(text: string): void {
    const bytes = this.#bytes;
    let at = this.#at;
    bytes[at++] = QUOTE;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit < 0x20 || unit > 0x7e || unit === QUOTE || unit === BACKSLASH) {
        this.#at += bytes.write(JSON.stringify(text), this.#at);
        return;
      }
      bytes[at++] = unit;
    }
    bytes[at++] = QUOTE;
    this.#at = at;
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.alloc(needed * 2);
    larger.set(this.whole);
    this.#bytes = larger;
  }
}

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

function isParts(key: LineKey | null): key is readonly KeyPart[] {
  return typeof key === "object" && key !== null;
}

/** At least as many UTF-16 code units as the key has text. */
function unitsOf(key: LineKey | null): number {
  if (typeof key === "string") return key.length;
  const unitsOfInteger = 20;
  if (!isParts(key)) return unitsOfInteger;
  return key.reduce<number>(
    (sum, part) => sum + (typeof part === "string" ? part.length : unitsOfInteger),
    0,
  );
}
