/**
 * The LDB behind a path, followed when another file takes its place.
 *
 * A generation that is replaced says so itself, in its own tables. Besides that the path is looked at now and then, for
 * a file that somebody moved there by hand. What is open stays in use until its successor has been opened: readers stay
 * on what works (I15).
 */
import { realpathSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { CtlstoreError, messageOf } from "../core/errors.ts";
import type { LdbDriver } from "../ldb/connection.ts";
import { LDB_FILE_NAME } from "../ldb/layout.ts";
import type { SeenState } from "./seen-state.ts";
import { Session, type ShapeCheck } from "./session.ts";
import { readerError } from "./sqlite-errors.ts";
import type { IntegerForm, ReaderWarning } from "./types.ts";

export interface FollowedLdbOptions {
  readonly path: string;
  readonly integers: IntegerForm;
  readonly cacheBytes: number;
  readonly checkIntervalMs: number;
  readonly checkShape?: ShapeCheck;
}

export interface FollowedLdbDeps {
  readonly driver: LdbDriver;
  readonly seen: SeenState;
  readonly onWarning: (warning: ReaderWarning) => void;
}

/** A flip may take the file away between looking and opening; the next look finds the new one. */
const OPEN_ATTEMPTS = 3;

/** Null also when the path cannot be looked at (no right to, links in a circle, a dead mount): reads go on (I15). */
function statsOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}

/** Which file stands at a path, symlinks followed; null when there is no file. */
function fileAt(path: string): string | null {
  const stats = statsOf(path);
  return stats?.isFile() ? `${stats.dev}:${stats.ino}` : null;
}

/** The database's path, given that or its folder. */
export function ldbFilePath(path: string): string {
  return statsOf(path)?.isDirectory() ? join(path, LDB_FILE_NAME) : path;
}

export class FollowedLdb {
  readonly #deps: FollowedLdbDeps;
  readonly #options: FollowedLdbOptions;
  #session: Session;
  #file: string;
  #checkedAtMs: number;
  /** A file that could not be opened: tried again at each look, since it may be half copied, but told once. */
  #refused: string | null = null;

  /** @throws CtlstoreError `ldb_not_found`, `ldb_damaged`, `ldb_incompatible`, `ldb_unavailable` */
  constructor(deps: FollowedLdbDeps, options: FollowedLdbOptions) {
    this.#deps = deps;
    this.#options = options;
    ({ session: this.#session, file: this.#file } = this.#open());
    this.#checkedAtMs = Date.now();
  }

  /** The session to read from. */
  current(): Session {
    const nowMs = Date.now();
    const sinceMs = nowMs - this.#checkedAtMs;
    // Below zero: the machine's clock was set back.
    if (sinceMs >= this.#options.checkIntervalMs || sinceMs < 0) {
      this.#checkedAtMs = nowMs;
      return this.follow();
    }
    return this.#session;
  }

  /** Looks at the path now, and goes to the file there when it is another one. */
  follow(): Session {
    if (this.#session.inTransaction) return this.#session;
    const file = fileAt(this.#options.path);
    // Nothing there: somebody is between two steps, or took the LDB away. What is open still answers.
    if (file === null || file === this.#file) return this.#session;
    try {
      const opened = this.#open();
      this.#session.close();
      this.#session = opened.session;
      this.#file = opened.file;
      this.#refused = null;
    } catch (error) {
      this.#warnOfRefused(file, error);
    }
    return this.#session;
  }

  #warnOfRefused(file: string, error: unknown): void {
    if (file === this.#refused) return;
    this.#refused = file;
    const reason = messageOf(error);
    this.#deps.onWarning({
      code: "unreadable_replacement",
      message: `The LDB at ${this.#options.path} was replaced by one that cannot be read; going on with the old one. ${reason}`,
    });
  }

  #open(): { session: Session; file: string } {
    for (let attempt = 1; ; attempt++) {
      const file = fileAt(this.#options.path);
      if (file === null) throw this.#notFound();
      try {
        // The link is resolved first: SQLite looks for the -wal beside the name that it is given.
        const path = realpathSync(this.#options.path);
        const options = { ...this.#options, path, file: `${path}:${file}` };
        const session = new Session(this.#deps.driver, this.#deps.seen, options);
        if (fileAt(this.#options.path) === file) return { session, file };
        session.close();
      } catch (error) {
        const flipped = fileAt(this.#options.path) !== file;
        if (!flipped || attempt >= OPEN_ATTEMPTS) {
          throw readerError(this.#deps.driver, error, this.#options.path);
        }
      }
    }
  }

  #notFound(): CtlstoreError {
    return new CtlstoreError(
      "ldb_not_found",
      `Cannot open the LDB at ${this.#options.path}: there is no such file, or no right to look at it; it needs a Reflector that has started`,
    );
  }

  close(): void {
    this.#session.close();
  }
}
