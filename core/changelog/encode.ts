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
  #buffer: Buffer;
  /** The same memory: writing to it is faster. */
  #bytes: Uint8Array;
  #end: number;
  #lines = 0;

  constructor(reservedBytes: number) {
    this.#reserved = reservedBytes;
    this.#buffer = Buffer.alloc(FIRST_BYTES);
    this.#bytes = viewOf(this.#buffer);
    this.#end = reservedBytes;
  }

  /** Lines since it was cleared. */
  get lines(): number {
    return this.#lines;
  }
  /** What is before them, and they. */
  get whole(): Buffer {
    return this.#buffer.subarray(0, this.#end);
  }
  get text(): Buffer {
    return this.#buffer.subarray(this.#reserved, this.#end);
  }

  /** @param keptBytes memory beyond this is given back */
  clear(keptBytes: number): void {
    if (this.#buffer.length > keptBytes) this.#use(Buffer.alloc(FIRST_BYTES));
    this.#end = this.#reserved;
    this.#lines = 0;
  }

  /**
   * Adds a line.
   * @param key null for a kind that has none
   * @param isLast whether the ledger transaction ends
   */
  add(seq: bigint, lines: TableLines, kind: ChangeKind, key: LineKey | null, isLast: boolean): void {
    const needed = this.#end + FIXED_BYTES + lines.bytes + MOST_BYTES_PER_UNIT * unitsOf(key);
    if (needed > this.#bytes.length) this.#grow(needed);
    const bytes = this.#bytes;
    let at = this.#end;
    bytes.set(BEGIN, at);
    at = putInteger(bytes, at + BEGIN.length, seq <= MAX_SAFE ? Number(seq) : seq);
    const head = key === null ? lines.keyless : lines.head;
    bytes.set(head, at);
    at += head.length;
    if (key !== null) at = typeof key === "object" ? this.#parts(at, key, lines) : this.#part(at, key);
    const end = (isLast ? LAST : NOT_LAST)[kind];
    bytes.set(end, at);
    this.#end = at + end.length;
    this.#lines += 1;
  }

  #parts(start: number, parts: readonly KeyPart[], { between }: TableLines): number {
    let at = start;
    for (let i = 0; i < parts.length; i++) {
      const before = between[i - 1];
      if (before !== undefined) {
        this.#bytes.set(before, at);
        at += before.length;
      }
      at = this.#part(at, parts[i] ?? "");
    }
    return at;
  }

  #part(at: number, part: KeyPart): number {
    if (typeof part !== "string") return putInteger(this.#bytes, at, part);
    const end = putPlain(this.#bytes, at, part);
    return end > 0 ? end : at + this.#buffer.write(JSON.stringify(part), at);
  }

  #grow(bytes: number): void {
    const larger = Buffer.alloc(bytes * 2);
    larger.set(this.whole);
    this.#use(larger);
  }

  #use(buffer: Buffer): void {
    this.#buffer = buffer;
    this.#bytes = viewOf(buffer);
  }
}

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

function viewOf({ buffer, byteOffset, byteLength }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** @returns where it ends */
function putInteger(bytes: Uint8Array, at: number, value: number | bigint): number {
  if (typeof value === "number" && value >= 0 && value <= MOST_QUICK) return putDigits(bytes, at, value);
  const text = value.toString();
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** 32-bit division is twice as fast as any other. */
const MOST_QUICK = 2 ** 31 - 1;

function putDigits(bytes: Uint8Array, at: number, value: number): number {
  let count = 1;
  for (let power = 10; power <= value; power *= 10) count += 1;
  let rest = value;
  for (let place = at + count - 1; place >= at; place--) {
    const next = (rest / 10) | 0;
    bytes[place] = ZERO + (rest - next * 10);
    rest = next;
  }
  return at + count;
}

/** Text that JSON has as it is. @returns where it ends; 0 when it is no such text */
function putPlain(bytes: Uint8Array, start: number, text: string): number {
  let at = start;
  bytes[at++] = QUOTE;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || unit > 0x7e || unit === QUOTE || unit === BACKSLASH) return 0;
    bytes[at++] = unit;
  }
  bytes[at] = QUOTE;
  return at + 1;
}

/** At least as many UTF-16 code units as the key has in JSON before anything is escaped: text has two quotes. */
function unitsOf(key: LineKey | null): number {
  if (typeof key === "string") return key.length + QUOTES;
  if (key === null || typeof key !== "object") return INTEGER_UNITS;
  return key.reduce<number>(
    (sum, part) => sum + (typeof part === "string" ? part.length + QUOTES : INTEGER_UNITS),
    0,
  );
}

const QUOTES = 2;
const INTEGER_UNITS = 20;
