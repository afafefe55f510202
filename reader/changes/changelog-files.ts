/** The files of one changelog, found by name and taken only when they are what they are called. */
import { readdirSync, type Stats, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { ChangelogPlace } from "../../core/changelog/cursor.ts";
import {
  type ChangelogHeader,
  rotatedChangelogPath,
  rotatedFileNumber,
} from "../../core/changelog/format.ts";
import { ChangelogFile, fileIdentity } from "./changelog-file.ts";

export class ChangelogFiles {
  /** Where the newest file is. */
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** What stands where the newest file belongs; null for nothing, as between the two steps of a rotation. */
  stats(): Stats | null {
    try {
      return statSync(this.path);
    } catch {
      return null;
    }
  }

  /** @throws CtlstoreError `changelog_unavailable` */
  newest(): ChangelogFile | null {
    return ChangelogFile.open(this.path);
  }

  /** The newest file, also while it is between its two names; null when there is no changelog. */
  latest(): ChangelogFile | null {
    const newest = this.newest();
    if (newest !== null) return newest;
    const last = Math.max(...this.#rotatedNumbers());
    return Number.isFinite(last)
      ? (this.newest() ?? ChangelogFile.open(rotatedChangelogPath(this.path, last)))
      : null;
  }

  /** True when a changelog is here, though its newest file may be missing for a moment. */
  exist(): boolean {
    return this.stats() !== null || this.#rotatedNumbers().length > 0;
  }

  /** True when a file has the name that it gets when the next one is begun. */
  isRotated({ header, identity }: ChangelogFile): boolean {
    try {
      return fileIdentity(statSync(rotatedChangelogPath(this.path, header.file))) === identity;
    } catch {
      return false;
    }
  }

  /** The header of the oldest file that is kept of a history, given that of another one. */
  oldestHeader(known: ChangelogHeader): ChangelogHeader {
    let oldest = known;
    for (;;) {
      using older = this.#rotated(oldest.file - 1, known.history);
      if (older === null) return oldest;
      oldest = older.header;
    }
  }

  /**
   * A file of a history by its number, given the newest one; that is closed unless it is the one.
   * @returns null when it is gone
   */
  numbered(fileNumber: number, newest: ChangelogFile): ChangelogFile | null {
    if (newest.header.file === fileNumber) return newest;
    const { history } = newest.header;
    newest.close();
    return this.#rotated(fileNumber, history);
  }

  /** The file in which the changes after a place begin, or null when it is gone. The newest is closed unless it is the one. */
  holding(place: ChangelogPlace, newest: ChangelogFile): ChangelogFile | null {
    let file: ChangelogFile | null = newest;
    while (file !== null && file.header.seq > place.sequence) {
      const { history, file: fileNumber } = file.header;
      file.close();
      file = this.#rotated(fileNumber - 1, history);
    }
    file?.seekAfter(place.sequence);
    return file;
  }

  #rotated(fileNumber: number, history: string): ChangelogFile | null {
    const file = ChangelogFile.open(rotatedChangelogPath(this.path, fileNumber));
    if (file === null) return null;
    if (file.header.history === history && file.header.file === fileNumber) return file;
    file.close();
    return null;
  }

  #rotatedNumbers(): number[] {
    const newestName = basename(this.path);
    try {
      const numbers = readdirSync(dirname(this.path)).map((name) => rotatedFileNumber(newestName, name));
      return numbers.filter((fileNumber) => fileNumber !== null);
    } catch {
      return []; // the folder cannot be looked at: there is no changelog to be had
    }
  }
}
