/**
 * Writes the changelog of one LDB, as long as that LDB is open (`core/changelog/format.ts` has the form).
 *
 * A line is there once its change is committed, never before, and exactly once (D17), whenever the process is killed:
 * before each COMMIT a note says which lines belong to it and where; after it they are appended; at the next start the
 * LDB's sequence tells which of the two happened. A failure to write is treated as one of the LDB: nothing is committed
 * without its note, and the next note is not written before the lines of the last one are.
 */
import type { LineBuffer } from "../../core/changelog/encode.ts";
import { quote } from "../../core/errors.ts";
import type { Logger } from "../../core/process/logger.ts";
import type { Sequence } from "../../core/sequence.ts";
import { ignoreCrashPoint, type OnCrashPoint } from "../../ldb/crash-points.ts";
import { onLdbFiles } from "../../ldb/file-errors.ts";
import type { WritableDatabase } from "../../ldb/writable-database.ts";
import type { ChangelogStatus } from "../state.ts";
import { bootId } from "./boot-id.ts";
import { ChangeRecorder } from "./change-recorder.ts";
import { pendingPath } from "./changelog-files.ts";
import { onChangelogOpen } from "./changelog-place.ts";
import { type ChangelogCounts, type ChangelogSettings, NO_CHANGELOG_COUNTS } from "./contract.ts";
import type { LogFiles } from "./log-files.ts";
import { beginHistory, type NewHistory, NO_LINES, resumeFiles } from "./open-files.ts";
import { PendingNoteFile } from "./pending-note.ts";
import { judgeResume, type LdbState, type ResetReason, type Resumed } from "./resume.ts";

export interface ChangelogDeps {
  readonly database: WritableDatabase;
  readonly logger: Logger;
  readonly onPoint: OnCrashPoint;
  /** The start of this machine; absent: what the system says. */
  readonly boot?: string | null;
}

/** Lines that a note has, on their way into the file. */
interface OwedLines {
  readonly lines: LineBuffer;
  readonly to: Sequence;
  readonly committed: boolean;
}

export class Changelog {
  /** Is told what is applied. */
  readonly recorder: ChangeRecorder;
  readonly #deps: ChangelogDeps;
  readonly #settings: ChangelogSettings;
  readonly #generation: string;
  readonly #boot: string | null;
  readonly #note: PendingNoteFile;
  #files: LogFiles;
  /** The LDB's sequence up to which all lines are in the files. */
  #covered: Sequence;
  #owed: OwedLines | null = null;
  #counts = { ...NO_CHANGELOG_COUNTS };

  /** What `open` found or began. */
  private constructor(
    deps: ChangelogDeps & { readonly boot: string | null },
    settings: ChangelogSettings,
    ldb: LdbState,
    parts: { readonly note: PendingNoteFile; readonly files: LogFiles },
  ) {
    this.#deps = deps;
    this.#settings = settings;
    this.#generation = ldb.generation;
    this.#boot = deps.boot;
    this.#covered = ldb.sequence;
    this.#note = parts.note;
    this.#files = parts.files;
    this.recorder = new ChangeRecorder(deps.database);
  }

  /**
   * Goes on with the changelog that is there, as it would be had nobody been killed, or begins a new history. Call with its
   * lock held (`changelog-place.ts`).
   * @throws CtlstoreError `config_invalid` when the path cannot be one, `ldb_disk_full`, `ldb_unavailable`
   */
  static open(deps: ChangelogDeps, settings: ChangelogSettings, ldb: LdbState): Changelog {
    const { boot = bootId() } = deps;
    return onChangelogOpen(settings.path, () => {
      using opened = new DisposableStack();
      const note = opened.adopt(new PendingNoteFile(pendingPath(settings.path)), (file) => file.close());
      const judged = judgeResume(settings.path, ldb, boot);
      const options = { ...settings, onPoint: deps.onPoint };
      const { generation, sequence: seq } = ldb;
      const files =
        "reset" in judged
          ? beginHistory(note, options, { generation, boot, seq })
          : resumeFiles(options, judged, seq);
      opened.adopt(files, () => files.close());
      const changelog = new Changelog({ ...deps, boot }, settings, ldb, { note, files });
      changelog.#opened(judged);
      opened.move();
      return changelog;
    });
  }

  get counts(): ChangelogCounts {
    return this.#counts;
  }

  get status(): ChangelogStatus {
    const { history, firstSequence, count, bytes } = this.#files;
    return {
      path: this.#settings.path,
      history,
      firstSequence,
      sequence: this.#covered,
      files: count,
      bytes,
    };
  }

  /**
   * Notes the lines of the transaction that is about to be committed. Call inside it, when nothing more is applied.
   * @throws CtlstoreError `ldb_disk_full`, `ldb_unavailable`; then it must not be committed
   */
  beforeCommit(from: Sequence, to: Sequence): void {
    this.settle();
    this.#onFiles("note what changes in", () => {
      if (!this.#files.isUntouched) this.#reset("files-changed", from);
      const lines = this.recorder.take();
      this.#owed = { lines, to, committed: false };
      this.#writeNote({ from, to, clean: false }, lines);
    });
    this.#deps.onPoint("changelog-pending");
  }

  /**
   * Appends the lines of what was committed.
   * @throws CtlstoreError `ldb_disk_full`, `ldb_unavailable`; then they are owed: call `settle` until it does not throw
   */
  afterCommit(): void {
    if (this.#owed !== null) this.#owed = { ...this.#owed, committed: true };
    this.settle();
  }

  /** Appends what is owed, and begins the next file where that is due. @throws CtlstoreError as `afterCommit` does */
  settle(): void {
    const owed = this.#owed?.committed === true ? this.#owed : null;
    const { fileBytes } = this.#settings;
    if (owed === null && !this.#files.isFull(fileBytes)) return;
    this.#onFiles("append to", () => {
      if (owed !== null) this.#append(owed);
      if (this.#files.isFull(fileBytes)) this.#rotate();
    });
  }

  /** Forgets what was recorded and not committed. */
  discard(): void {
    if (this.#owed?.committed === false) {
      this.recorder.giveBack(this.#owed.lines);
      this.#owed = null;
    }
    this.recorder.discard();
  }

  /** Lets go of the files, which are then whole and durable if the disk takes it. Call once. Never throws. */
  close(): void {
    try {
      this.discard();
      this.settle();
      this.#files.sync();
      this.#writeNote({ from: this.#covered, to: this.#covered, clean: true }, NO_LINES);
      this.#note.sync();
    } catch (error) {
      this.#deps.logger.warn({ err: error }, "changelog could not be closed well");
    }
    this.#files.close();
    this.#note.close();
  }

  #opened(judged: Resumed | { readonly reset: ResetReason }): void {
    const { path } = this.#settings;
    if ("reset" in judged) this.#began(judged.reset, this.#covered);
    else {
      this.#files.append(judged.owed);
      this.#files.sweep();
      this.#deps.logger.info({ path, history: this.#files.history }, "changelog goes on");
    }
  }

  /** Begins a new history: what was told before says nothing about what comes. */
  #reset(reason: ResetReason, seq: Sequence): void {
    const before = this.#files;
    const options = { ...this.#settings, onPoint: this.#deps.onPoint };
    const history: NewHistory = { generation: this.#generation, boot: this.#boot, seq };
    this.#files = beginHistory(this.#note, options, history, before.file);
    before.close();
    this.#began(reason, seq);
  }

  #began(reason: ResetReason, seq: Sequence): void {
    this.#covered = seq;
    this.#writeNote({ from: seq, to: seq, clean: false }, NO_LINES);
    this.#files.sweep();
    const fields = { path: this.#settings.path, reason, history: this.#files.history, sequence: seq };
    if (reason === "new") {
      this.#deps.logger.info(fields, "changelog begins");
      return;
    }
    this.#counts.changelogResets += 1;
    this.#deps.logger.warn(fields, "changelog was reset: who follows it must take everything for changed");
  }

  #append({ lines, to }: OwedLines): void {
    const { onPoint } = this.#deps;
    const { text } = lines;
    if (onPoint === ignoreCrashPoint) this.#files.append(text);
    else this.#files.appendInHalves(text, () => onPoint("mid-append"));
    this.#owed = null;
    this.#covered = to;
    this.#counts.changelogLines += lines.lines;
    this.#counts.changelogBytes += text.length;
    this.recorder.giveBack(lines);
  }

  #rotate(): void {
    if (!this.#files.isUntouched) {
      this.#reset("files-changed", this.#covered);
      return;
    }
    this.#files.rotate(this.#covered);
    this.#counts.changelogRotations += 1;
  }

  #writeNote(
    step: { readonly from: Sequence; readonly to: Sequence; readonly clean: boolean },
    lines: LineBuffer,
  ): void {
    const { history, file, end } = this.#files;
    const place = { history, file, offset: end, generation: this.#generation, boot: this.#boot };
    this.#note.write({ ...place, ...step }, lines);
  }

  #onFiles(action: string, work: () => void): void {
    onLdbFiles(`${action} the changelog ${quote(this.#settings.path)}`, work);
  }
}
