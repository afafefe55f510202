/** The changelog's files, as its writer finds, makes, renames and removes them. What is in them is `format.ts`'s. */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { basename, dirname } from "node:path";
import { encodeHeader } from "../../core/changelog/encode.ts";
import {
  CHANGELOG_FORMAT_VERSION,
  type ChangelogHeader,
  rotatedChangelogPath,
  rotatedFileNumber,
} from "../../core/changelog/format.ts";
import { parseChangelogHeader } from "../../core/changelog/parse.ts";
import type { Sequence } from "../../core/sequence.ts";

/** Never through a link: what it leads to is not ours. */
export const READ_WRITE_CREATE = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
/** Whoever may read the LDB may follow it; the umask takes away what it must. */
export const FILE_MODE = 0o644;
/** More than any header has. */
const HEADER_LINE_BYTES = 512;
const NEWLINE = 0x0a;

/** A file of the changelog as it lies there. */
export interface FoundFile {
  readonly path: string;
  readonly history: string;
  readonly file: number;
  /** Its changes come after this sequence. */
  readonly seq: Sequence;
  readonly bytes: number;
  readonly headerBytes: number;
}

/**
 * Null when there is none, or it has no header of ours.
 * @throws an error of the system: a file that cannot be looked at just now is not taken for none
 */
export function findFile(path: string): FoundFile | null {
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile() !== true) return null;
  const descriptor = openSync(path, "r");
  try {
    const start = Buffer.alloc(HEADER_LINE_BYTES);
    const end = start.subarray(0, readSync(descriptor, start, 0, start.length, 0)).indexOf(NEWLINE);
    const header = end < 0 ? null : headerOf(start.toString("utf8", 0, end));
    if (header === null) return null;
    const { history, file, seq } = header;
    return { path, history, file, seq, bytes: fstatSync(descriptor).size, headerBytes: end + 1 };
  } finally {
    closeSync(descriptor);
  }
}

function headerOf(text: string): ReturnType<typeof parseChangelogHeader> | null {
  try {
    return parseChangelogHeader(text);
  } catch {
    return null;
  }
}

/** The older files, whatever is in them, by number. */
export function rotatedFiles(path: string): readonly number[] {
  const folder = dirname(path);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .map((name) => rotatedFileNumber(basename(path), name))
    .filter((number) => number !== null)
    .sort((a, b) => a - b);
}

/** The file that is being written. */
export interface OpenFile {
  readonly descriptor: number;
  readonly inode: number;
  readonly file: number;
  readonly seq: Sequence;
}

/** Opens a file that was found. @throws an error of the system */
export function openFound({ path, file, seq }: FoundFile): OpenFile {
  const descriptor = openSync(path, constants.O_RDWR);
  return { descriptor, inode: fstatSync(descriptor).ino, file, seq };
}

/**
 * Makes the next newest file beside the newest, with its header.
 * @throws an error of the system; then there is none
 */
export function makeNext(
  path: string,
  header: Pick<ChangelogHeader, "history" | "file"> & { readonly seq: Sequence },
): OpenFile & { readonly bytes: number } {
  const next = nextPath(path);
  rmSync(next, { force: true });
  const descriptor = openSync(next, READ_WRITE_CREATE, FILE_MODE);
  try {
    const line = Buffer.from(encodeHeader({ kind: "file", format: CHANGELOG_FORMAT_VERSION, ...header }));
    writeFully(descriptor, line, 0);
    const inode = fstatSync(descriptor).ino;
    return { descriptor, inode, file: header.file, seq: header.seq, bytes: line.length };
  } catch (error) {
    closeSync(descriptor);
    rmSync(next, { force: true });
    throw error;
  }
}

/** Puts the file that `makeNext` made in the newest one's place. */
export function placeNext(path: string): void {
  renameSync(nextPath(path), path);
}

export function nextPath(path: string): string {
  return `${path}.next`;
}

export function pendingPath(path: string): string {
  return `${path}.pending`;
}

/** Held by the process that writes the changelog. */
export function lockPath(path: string): string {
  return `${path}.lock`;
}

/** Every file of a changelog but its lock, whether it is there or not; the newest one last. */
export function allFiles(path: string): readonly string[] {
  const older = rotatedFiles(path).map((file) => rotatedChangelogPath(path, file));
  return [...older, pendingPath(path), nextPath(path), path];
}

/** Of a file, or a folder. @throws an error of the system */
export function syncFile(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Writes all of it at a place in the file; a disk that fills up takes a part only. @throws an error of the system */
export function writeFully(descriptor: number, bytes: Uint8Array, offset: number): void {
  for (let written = 0; written < bytes.length; ) {
    written += writeSync(descriptor, bytes, written, bytes.length - written, offset + written);
  }
}
