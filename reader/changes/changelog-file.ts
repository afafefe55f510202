/**
 * One file of the changelog, open for reading: its header, and its lines in the order of the ledger, in bounded pieces.
 *
 * Only whole lines are given. A line without its end is being written, or was cut by a crash and will be completed with
 * the same bytes; so what was read of it is kept.
 */
import { closeSync, fstatSync, openSync, readSync, type Stats } from "node:fs";
import type { ChangelogHeader, ChangelogLine } from "../../core/changelog/format.ts";
import { parseChangelogHeader, parseChangelogLine } from "../../core/changelog/parse.ts";
import { CtlstoreError, messageOf } from "../../core/errors.ts";
import { CHANGES_LIMITS } from "../../core/limits.ts";

const NEWLINE = 0x0a;
const NOTHING = new Uint8Array();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Which file it is, whatever its name becomes; a number is not given again while the file is open. */
export function fileIdentity({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}

export class ChangelogFile implements Disposable {
  readonly header: ChangelogHeader;
  readonly identity: string;
  readonly #descriptor: number;
  /** Where the next bytes are read, and where the first change begins. */
  #offset: number;
  readonly #start: number;
  /** The beginning of a line whose end has not been read yet; it lies before `#offset`. */
  #rest: Uint8Array = NOTHING;
  #isClosed = false;

  private constructor(descriptor: number, header: ChangelogHeader, start: number) {
    this.#descriptor = descriptor;
    this.header = header;
    this.identity = fileIdentity(fstatSync(descriptor));
    this.#start = start;
    this.#offset = start;
  }

  /** Null when there is no such file, or nothing in it yet. @throws CtlstoreError `changelog_unavailable` */
  static open(path: string): ChangelogFile | null {
    const descriptor = openDescriptor(path);
    if (descriptor === null) return null;
    try {
      const first = readAt(descriptor, 0, CHANGES_LIMITS.readBytes);
      const end = first.indexOf(NEWLINE);
      if (end !== -1) {
        const header = parseChangelogHeader(decoder.decode(first.subarray(0, end)));
        return new ChangelogFile(descriptor, header, end + 1);
      }
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    closeSync(descriptor);
    return null;
  }

  /** How far it was read: the file holds more when it is longer than this. */
  get offset(): number {
    return this.#offset;
  }

  /** True when a line was begun and not ended. */
  get endsInLine(): boolean {
    return this.#rest.length > 0;
  }

  /**
   * Goes to a place from which all changes after a sequence are read, and few before: sequences rise from line to line, so
   * it is found by halves.
   */
  seekAfter(sequence: bigint): void {
    let low = this.#start;
    let high = fstatSync(this.#descriptor).size;
    while (high - low > CHANGES_LIMITS.readBytes) {
      const middle = low + Math.floor((high - low) / 2);
      const line = this.#firstLineAfter(middle, high);
      if (line !== null && line.sequence <= sequence) low = line.offset;
      else high = middle;
    }
    this.#offset = low;
    this.#rest = NOTHING;
  }

  #firstLineAfter(offset: number, limit: number): { offset: number; sequence: bigint } | null {
    let bytes = readAt(this.#descriptor, offset, CHANGES_LIMITS.readBytes);
    const begin = bytes.indexOf(NEWLINE) + 1;
    if (begin === 0 || offset + begin >= limit) return null;
    let end = bytes.indexOf(NEWLINE, begin);
    if (end === -1) {
      bytes = readAt(this.#descriptor, offset, CHANGES_LIMITS.lineBytes);
      end = bytes.indexOf(NEWLINE, begin);
      if (end === -1) return null;
    }
    const { seq } = parseChangelogLine(decoder.decode(bytes.subarray(begin, end)));
    return { offset: offset + begin, sequence: seq };
  }

  /** The next whole lines, or none when there is no more for now. @throws CtlstoreError `changelog_unavailable` */
  read(): ChangelogLine[] {
    const lines: ChangelogLine[] = [];
    while (lines.length === 0) {
      const bytes = readAt(this.#descriptor, this.#offset, CHANGES_LIMITS.readBytes);
      if (bytes.length === 0) break;
      this.#offset += bytes.length;
      this.#split(bytes, lines);
    }
    return lines;
  }

  #split(bytes: Uint8Array, lines: ChangelogLine[]): void {
    let begin = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, begin)) {
      const line = joined(this.#rest, bytes.subarray(begin, end));
      this.#rest = NOTHING;
      begin = end + 1;
      lines.push(parseChangelogLine(decoder.decode(line)));
    }
    this.#rest = joined(this.#rest, bytes.subarray(begin));
    if (this.#rest.length > CHANGES_LIMITS.lineBytes) {
      throw new CtlstoreError(
        "changelog_unavailable",
        `Cannot read the changelog: a line in file ${this.header.file} has over ${CHANGES_LIMITS.lineBytes} bytes; no change has`,
      );
    }
  }

  close(): void {
    if (!this.#isClosed) closeSync(this.#descriptor);
    this.#isClosed = true;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** What is not whole yet is copied, so that it does not hold the bytes around it. */
function joined(begin: Uint8Array, end: Uint8Array): Uint8Array {
  if (begin.length === 0 && end.length === 0) return NOTHING;
  const both = new Uint8Array(begin.length + end.length);
  both.set(begin);
  both.set(end, begin.length);
  return both;
}

function openDescriptor(path: string): number | null {
  try {
    return openSync(path, "r");
  } catch (cause) {
    if (isMissing(cause)) return null;
    throw new CtlstoreError(
      "changelog_unavailable",
      `Cannot open the changelog ${path}: ${messageOf(cause)}`,
      {
        cause,
        hint: "who follows an LDB needs the right to read its folder",
      },
    );
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** Fewer bytes only where the file ends. */
function readAt(descriptor: number, offset: number, length: number): Uint8Array {
  const buffer = new Uint8Array(length);
  let filled = 0;
  try {
    while (filled < length) {
      const read = readSync(descriptor, buffer, filled, length - filled, offset + filled);
      if (read === 0) break;
      filled += read;
    }
  } catch (cause) {
    throw new CtlstoreError("changelog_unavailable", `Cannot read the changelog: ${messageOf(cause)}`, {
      cause,
    });
  }
  return buffer.subarray(0, filled);
}
