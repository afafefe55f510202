/**
 * The changelog's files as one thing that grows at its end: lines go into the newest file, and from time to time the
 * next one is begun and the oldest removed.
 *
 * Each step leaves what `resume.ts` knows how to go on from.
 */
import { closeSync, fsyncSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { rotatedChangelogPath } from "../../core/changelog/format.ts";
import type { Sequence } from "../../core/sequence.ts";
import type { OnCrashPoint } from "../../ldb/crash-points.ts";
import {
  type FoundFile,
  findFile,
  makeNext,
  nextPath,
  type OpenFile,
  openFound,
  placeNext,
  rotatedFiles,
  syncFile,
  writeFully,
} from "./changelog-files.ts";

/** The first file of a history, and where its lines begin. */
export interface MadeFile {
  readonly history: string;
  readonly file: number;
  readonly end: number;
}

export class LogFiles {
  readonly #path: string;
  readonly #mostOlder: number;
  readonly #onPoint: OnCrashPoint;
  #history: string;
  #newest: OpenFile;
  /** Where the newest file's lines begin, and where they end as far as they were written. */
  #begin: number;
  #end: number;
  #older: readonly FoundFile[] = [];
  /** The newest file has its older name already: the next one could not be put in its place yet. */
  #isAside = false;

  private constructor(
    options: LogFilesOptions,
    history: string,
    newest: OpenFile,
    { begin, end }: { readonly begin: number; readonly end: number },
  ) {
    this.#path = options.path;
    this.#mostOlder = options.files;
    this.#onPoint = options.onPoint;
    this.#history = history;
    this.#newest = newest;
    this.#begin = begin;
    this.#end = end;
  }

  /**
   * Begins a new history, in a file whose number was never given; older files stay until `sweep`.
   * @param onMade called when the file is made, and nobody can find it yet
   */
  static begin(
    options: LogFilesOptions,
    history: string,
    seq: Sequence,
    { onMade, lastFile = 0 }: { readonly onMade: (made: MadeFile) => void; readonly lastFile?: number },
  ): LogFiles {
    const { path } = options;
    const known = [lastFile, findFile(path)?.file ?? 0, rotatedFiles(path).at(-1) ?? 0];
    return LogFiles.next(options, { history, file: Math.max(...known) + 1, seq }, onMade);
  }

  /** Makes the next file the newest one. */
  static next(
    options: LogFilesOptions,
    header: { readonly history: string; readonly file: number; readonly seq: Sequence },
    onMade: (made: MadeFile) => void = () => {},
  ): LogFiles {
    const next = makeNext(options.path, header);
    try {
      onMade({ ...header, end: next.bytes });
      placeNext(options.path);
    } catch (error) {
      closeSync(next.descriptor);
      throw error;
    }
    return new LogFiles(options, header.history, next, { begin: next.bytes, end: next.bytes });
  }

  /** Goes on with the newest file from a place in it; what may be behind that place is written again. */
  static adopt(options: LogFilesOptions, found: FoundFile, end: number): LogFiles {
    return new LogFiles(options, found.history, openFound(found), { begin: found.headerBytes, end });
  }

  get history(): string {
    return this.#history;
  }
  /** Number of the newest file. */
  get file(): number {
    return this.#newest.file;
  }
  /** Where the next line goes in the newest file. */
  get end(): number {
    return this.#end;
  }
  get firstSequence(): Sequence {
    return (this.#older[0] ?? this.#newest).seq;
  }
  get count(): number {
    return this.#older.length + 1;
  }
  get bytes(): number {
    return this.#older.reduce((sum, { bytes }) => sum + bytes, this.#end);
  }

  /** True when the next file should be begun; one without lines never is. */
  isFull(fileBytes: number): boolean {
    return this.#end >= fileBytes && this.#end > this.#begin;
  }

  /** False when somebody has removed, replaced, cut or written the newest file. */
  get isUntouched(): boolean {
    const path = this.#isAside ? rotatedChangelogPath(this.#path, this.#newest.file) : this.#path;
    const found = statSync(path, { throwIfNoEntry: false });
    return found !== undefined && found.ino === this.#newest.inode && found.size === this.#end;
  }

  /**
   * Writes lines at the end. Once more after a failure it writes the same at the same place.
   * @throws an error of the system
   */
  append(bytes: Uint8Array): void {
    writeFully(this.#newest.descriptor, bytes, this.#end);
    this.#end += bytes.length;
  }

  /** The same, with a moment in which half of it is there. */
  appendInHalves(bytes: Uint8Array, onHalf: () => void): void {
    const half = bytes.length >> 1;
    writeFully(this.#newest.descriptor, bytes.subarray(0, half), this.#end);
    onHalf();
    this.append(bytes);
  }

  /**
   * Begins the next file. Once more after a failure it goes on where that came.
   * @param seq up to which all lines are in the files
   * @throws an error of the system
   */
  rotate(seq: Sequence): void {
    const before = this.#newest;
    const next = makeNext(this.#path, { history: this.#history, file: before.file + 1, seq });
    try {
      if (!this.#isAside) renameSync(this.#path, rotatedChangelogPath(this.#path, before.file));
      this.#isAside = true;
      this.#onPoint("mid-rotation");
      placeNext(this.#path);
    } catch (error) {
      closeSync(next.descriptor);
      throw error;
    }
    this.#isAside = false;
    closeSync(before.descriptor);
    this.#older = [...this.#older, this.#asFound(before)];
    this.#newest = next;
    this.#begin = next.bytes;
    this.#end = next.bytes;
    this.#removeOldest();
  }

  /** The newest file under the name that it has as an older one. */
  #asFound({ file, seq }: OpenFile): FoundFile {
    const path = rotatedChangelogPath(this.#path, file);
    return { path, history: this.#history, file, seq, bytes: this.#end, headerBytes: this.#begin };
  }

  /** One that cannot be removed now is when the next file is begun. */
  #removeOldest(): void {
    while (this.#older.length > this.#mostOlder) {
      const [oldest] = this.#older;
      if (oldest !== undefined) rmSync(oldest.path, { force: true });
      this.#older = this.#older.slice(1);
    }
  }

  /** Removes all files but the newest and the older ones that lead up to it without a gap. */
  sweep(): void {
    const kept: FoundFile[] = [];
    let wanted = this.#newest.file - 1;
    for (const file of [...rotatedFiles(this.#path)].reverse()) {
      const path = rotatedChangelogPath(this.#path, file);
      const found = file === wanted && kept.length < this.#mostOlder ? findFile(path) : null;
      if (found?.history === this.#history && found.file === file) {
        kept.unshift(found);
        wanted -= 1;
      } else rmSync(path, { force: true });
    }
    rmSync(nextPath(this.#path), { force: true });
    this.#older = kept;
  }

  /** Makes all of it durable, the older files too: the system may still have what was written to them in memory. */
  sync(): void {
    for (const { path } of this.#older) syncFile(path);
    fsyncSync(this.#newest.descriptor);
    syncFile(dirname(this.#path));
  }

  close(): void {
    closeSync(this.#newest.descriptor);
  }
}

export interface LogFilesOptions {
  readonly path: string;
  /** Older files kept. */
  readonly files: number;
  readonly onPoint: OnCrashPoint;
}
