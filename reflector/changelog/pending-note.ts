/**
 * The Reflector's note beside the changelog: which lines belong where once the LDB has reached a sequence.
 *
 * It is written before the LDB's COMMIT and never synced: a kill leaves it whole, and after a power cut it is not
 * believed. Its facts stand at the file's beginning, within one page, where no kill can leave half of them; the lines
 * follow, and are only looked at when the LDB says that the COMMIT after them has happened.
 */
import { closeSync, fsyncSync, ftruncateSync, openSync, readFileSync } from "node:fs";
import type { LineBuffer } from "../../core/changelog/encode.ts";
import { CHANGELOG_FORMAT_VERSION } from "../../core/changelog/format.ts";
import { CHANGELOG_LIMITS } from "../../core/limits.ts";
import { type Sequence, toSequence } from "../../core/sequence.ts";
import { FILE_MODE, READ_WRITE_CREATE, writeFully } from "./changelog-files.ts";

export interface NoteFacts {
  readonly history: string;
  /** Number of the file and place in it where the lines belong. */
  readonly file: number;
  readonly offset: number;
  /** Which generation of the LDB is meant. */
  readonly generation: string;
  /** The start of the machine that it was written under; null where that cannot be told. */
  readonly boot: string | null;
  /** True when all of the changelog was synced first: then it holds after a restart of the machine too. */
  readonly clean: boolean;
  /** The LDB's sequence before the COMMIT, and after. */
  readonly from: Sequence;
  readonly to: Sequence;
}

export interface PendingNote extends NoteFacts {
  readonly lines: Uint8Array;
}

const { noteHeaderBytes: HEADER_BYTES } = CHANGELOG_LIMITS;

export class PendingNoteFile {
  readonly #descriptor: number;
  /** Length of the last note, and of the longest one. */
  #length = 0;
  #longest = 0;

  /** Opens the file, making it when missing. @throws an error of the system */
  constructor(path: string) {
    this.#descriptor = openSync(path, READ_WRITE_CREATE, FILE_MODE);
  }

  /**
   * Replaces the note.
   * @param lines which have room for the facts before them
   * @throws an error of the system; the note is then none, or the one of before
   */
  write(facts: NoteFacts, lines: LineBuffer): void {
    const { whole, text } = lines;
    const header = JSON.stringify({
      format: CHANGELOG_FORMAT_VERSION,
      ...facts,
      from: String(facts.from),
      to: String(facts.to),
      bytes: text.length,
      crc32: Bun.hash.crc32(text),
    });
    whole.fill(" ", 0, HEADER_BYTES - 1);
    whole.write(header, 0, HEADER_BYTES - 1);
    whole[HEADER_BYTES - 1] = NEWLINE;
    this.#length = whole.length;
    this.#longest = Math.max(this.#longest, this.#length);
    writeFully(this.#descriptor, whole, 0);
  }

  /** Makes the last note durable, and gives back what a large one before it took. */
  sync(): void {
    if (this.#longest > this.#length) ftruncateSync(this.#descriptor, this.#length);
    this.#longest = this.#length;
    fsyncSync(this.#descriptor);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

const NEWLINE = 0x0a;

/** Null when there is no note, or none that can be understood: then nothing is known. */
export function readPendingNote(path: string): PendingNote | null {
  try {
    const content = readFileSync(path);
    const { format, bytes, crc32, from, to, ...facts } = JSON.parse(
      content.toString("utf8", 0, HEADER_BYTES),
    ) as Record<string, unknown>;
    if (format !== CHANGELOG_FORMAT_VERSION || typeof bytes !== "number" || !isNoteFacts(facts)) return null;
    const whole = content.subarray(HEADER_BYTES, HEADER_BYTES + bytes);
    // A note that was cut short was never followed by its COMMIT: its lines are wanted by nobody.
    const lines = whole.length === bytes && Bun.hash.crc32(whole) === crc32 ? whole : NO_LINES;
    const isWhole = lines === whole || bytes === 0;
    const before = toSequence(String(from));
    return { ...facts, from: before, to: isWhole ? toSequence(String(to)) : before, lines };
  } catch {
    return null;
  }
}

const NO_LINES = new Uint8Array();

function isNoteFacts(facts: Record<string, unknown>): facts is Omit<NoteFacts, "from" | "to"> & typeof facts {
  const { history, file, offset, generation, boot, clean } = facts;
  return (
    typeof history === "string" &&
    Number.isSafeInteger(file) &&
    Number.isSafeInteger(offset) &&
    typeof generation === "string" &&
    (boot === null || typeof boot === "string") &&
    typeof clean === "boolean"
  );
}
