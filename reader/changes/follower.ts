/**
 * Follows the changelog of an LDB from a place on: through rotations, a writer's crashes and new histories.
 *
 * What it promises: each ledger transaction after the place is given once, whole and in order; or, where that cannot be had
 * any more, one break is given in its place, with a new place from which it can. Nothing is given that the LDB does not hold
 * yet, so whoever reads the LDB after a change sees at least that change.
 *
 * It never waits: `next` looks and answers, and whoever asks decides when to ask again.
 */
import { type ChangelogPlace, formatCursor } from "../../core/changelog/cursor.ts";
import type { ChangelogLine } from "../../core/changelog/format.ts";
import { CHANGES_LIMITS } from "../../core/limits.ts";
import { toSequence } from "../../core/sequence.ts";
import type { InvalidationReason } from "../types.ts";
import { type ChangelogFile, fileIdentity } from "./changelog-file.ts";
import { type FollowerDeps, noChangelog, placeIn } from "./places.ts";

export type FollowerStep =
  | {
      readonly kind: "transaction";
      readonly lines: readonly ChangelogLine[];
      readonly history: string;
      readonly cursor: string;
    }
  | {
      readonly kind: "break";
      readonly reason: InvalidationReason;
      readonly sequence: bigint;
      readonly cursor: string;
    }
  /** There may be more at once; something else may go first. */
  | { readonly kind: "more" }
  /** There is nothing for now. */
  | { readonly kind: "idle" };

const MORE: FollowerStep = { kind: "more" };
const IDLE: FollowerStep = { kind: "idle" };

function closedOnError<Result>(file: ChangelogFile, look: () => Result): Result {
  try {
    return look();
  } catch (error) {
    file.close();
    throw error;
  }
}

export class ChangesFollower {
  readonly #deps: FollowerDeps;
  /** Everything up to here was given, or passed by a break. */
  #place: ChangelogPlace;
  #file: ChangelogFile | null = null;
  /** The lines of a ledger transaction whose last line was not read yet. */
  #open: ChangelogLine[] = [];
  /** Whole transactions, in order. */
  #whole: ChangelogLine[][] = [];
  /** A break that could not be given yet, since there was no file to go on in. */
  #owed: InvalidationReason | null = null;
  /** The LDB holds at least this. */
  #held: bigint | null = null;
  /** When the newest file was first missed, with no look since that found it, and where the LDB was. */
  #missing: { readonly atMs: number; readonly sequence: bigint | null } | null = null;

  constructor(deps: FollowerDeps, since: ChangelogPlace) {
    this.#deps = deps;
    this.#place = since;
  }

  /**
   * What comes next.
   * @throws CtlstoreError `changelog_unavailable` when there is none, or it cannot be read; and what a read of the LDB throws
   */
  next(): FollowerStep {
    if (this.#owed !== null) return this.#break(this.#owed);
    if (this.#file === null) return this.#begin();
    return this.#giveWhole() ?? this.#readOn(this.#file);
  }

  /** Where it stands; null as long as it has only a sequence, and has not found the history that is meant. */
  get cursor(): string | null {
    const { sequence, history } = this.#place;
    return history === null ? null : formatCursor(sequence, history);
  }

  close(): void {
    this.#file?.close();
  }

  #begin(): FollowerStep {
    const { files, ldb } = this.#deps;
    const newest = files.newest();
    if (newest === null) {
      if (!files.exist()) throw noChangelog(files.path);
      return this.#waitForFile();
    }
    const { history } = newest.header;
    const reached = closedOnError(newest, () => {
      ldb.follow();
      return ldb.sequence() ?? 0n;
    });
    const isOther = this.#place.history !== null && this.#place.history !== history;
    if (isOther || this.#place.sequence > reached) {
      newest.close();
      return this.#break(isOther ? "reset" : "ahead");
    }
    const file = files.holding(this.#place, newest);
    if (file === null) return this.#break("too_old");
    this.#place = { ...this.#place, history };
    this.#goOnIn(file);
    return MORE;
  }

  #goOnIn(file: ChangelogFile): void {
    this.#missing = null;
    this.#file?.close();
    this.#file = file;
    this.#open = [];
    this.#whole = [];
  }

  /** What was not given is passed over: whoever reads the LDB from now on sees it. */
  #break(reason: InvalidationReason): FollowerStep {
    this.#owed = reason;
    const newest = this.#deps.files.newest();
    if (newest === null) return this.#waitForFile();
    const place = closedOnError(newest, () => {
      const now = placeIn(newest, this.#deps.ldb);
      newest.seekAfter(now.sequence);
      return now;
    });
    this.#place = place;
    this.#held = null;
    this.#goOnIn(newest);
    this.#owed = null;
    const { sequence, history } = place;
    return { kind: "break", reason, sequence, cursor: formatCursor(sequence, history) };
  }

  /**
   * There is no newest file: one is being put into its place, which takes no time, also when a kill came into the middle
   * of it and the rest takes long; and the LDB does not move meanwhile. Otherwise there is no changelog any more, and whoever
   * waits would take its silence for "nothing changed".
   */
  #waitForFile(): FollowerStep {
    const { files, ldb } = this.#deps;
    const sequence = ldb.sequence();
    const now = { atMs: performance.now(), sequence };
    this.#missing ??= now;
    if (now.atMs - this.#missing.atMs <= CHANGES_LIMITS.vanishedMs) return IDLE;
    const isGone = this.#file !== null && !files.isRotated(this.#file);
    if (isGone || (sequence !== null && sequence > (this.#missing.sequence ?? 0n)))
      throw noChangelog(files.path);
    return IDLE;
  }

  #giveWhole(): FollowerStep | null {
    const [lines] = this.#whole;
    const last = lines?.at(-1);
    if (lines === undefined || last === undefined) return null;
    // The LDB was committed before the lines were written, unless the machine lost power: then a new history comes.
    if (!this.#holds(last.seq)) return this.#isOver() ? this.#break("reset") : IDLE;
    this.#whole.shift();
    const history = this.#place.history ?? "";
    this.#place = { sequence: toSequence(last.seq), history };
    return { kind: "transaction", lines, history, cursor: formatCursor(last.seq, history) };
  }

  #holds(sequence: bigint): boolean {
    if (this.#held === null || this.#held < sequence) this.#held = this.#deps.ldb.sequence();
    return this.#held !== null && this.#held >= sequence;
  }

  /** True when the history that is followed is not the changelog's any more. */
  #isOver(): boolean {
    using newest = this.#deps.files.newest();
    return newest !== null && newest.header.history !== this.#place.history;
  }

  #readOn(file: ChangelogFile): FollowerStep {
    // Looked at before it is read: what was written before it was rotated is read then.
    const stats = this.#deps.files.stats();
    if (stats !== null) this.#missing = null;
    const isNewest = stats !== null && fileIdentity(stats) === file.identity;
    if (isNewest && stats.size === file.offset) return IDLE;
    if (isNewest && stats.size < file.offset) return this.#break("reset");
    if (this.#gather(file.read())) return MORE;
    if (stats === null) return this.#waitForFile();
    return isNewest ? IDLE : this.#leave(file);
  }

  /** False when there were no lines. */
  #gather(lines: readonly ChangelogLine[]): boolean {
    for (const line of lines) {
      if (line.seq > this.#place.sequence) this.#open.push(line);
      if (!line.end) continue;
      if (this.#open.length > 0) this.#whole.push(this.#open);
      this.#open = [];
    }
    return lines.length > 0;
  }

  /** The file was read to its end, and another one is the newest. */
  #leave(file: ChangelogFile): FollowerStep {
    const newest = this.#deps.files.newest();
    if (newest === null) return this.#waitForFile();
    const { history, file: newestNumber } = newest.header;
    const next = file.header.file + 1;
    // The same number again: the folder was copied and put back. What is behind the place is the same.
    const isCopy = newestNumber === file.header.file;
    const endedInside = this.#open.length > 0 || file.endsInLine;
    if (history !== this.#place.history || newestNumber < file.header.file || (endedInside && !isCopy)) {
      newest.close();
      return this.#break("reset");
    }
    const following = this.#deps.files.numbered(isCopy ? newestNumber : next, newest);
    if (following === null) return this.#break("too_old");
    following.seekAfter(this.#place.sequence);
    this.#goOnIn(following);
    return MORE;
  }
}
