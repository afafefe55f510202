/**
 * The changelog of an LDB: which keys changed, in the order of the ledger, so that caches on a host can follow.
 *
 * A Reflector writes it (`reflector/changelog/`), readers follow it (`reader/changes/`); this is what both agree on.
 * Files, beside `ldb.db`:
 *
 *     DIR/change.log             the newest file; it grows by whole ledger transactions, after they are committed
 *     DIR/change.log.<number>    older ones; numbers go up by one and are never given twice
 *     DIR/change.log.pending     the Reflector's own note, by which a crash between the LDB's commit and the line is mended
 *     DIR/change.log.next        the next newest file, for the moment in which it is made
 *     DIR/change.log.lock        held by the process that writes these
 *
 * Each line is a JSON object in the original's form, with members of ours behind it:
 *
 *     {"seq":17,"family":"shop","table":"items","key":[{"name":"id","type":"string","value":"a"}],"kind":"upsert","end":true}
 *
 * `seq` is the ledger's, different in each line and rising, so it is also the place to go on after. A key is in at most one
 * line of a ledger transaction, its last; `end` is in the transaction's last line and nowhere else. The first line of a
 * file is its header: `kind` is "file", and every change after its `seq` is in this file and those after it.
 */

export const CHANGELOG_FILE_NAME = "change.log";
export const CHANGELOG_FORMAT_VERSION = 1;

/** The path of an older file, whatever the newest one is called. */
export function rotatedChangelogPath(path: string, fileNumber: number): string {
  return `${path}.${fileNumber}`;
}

/** The number of an older file by its name; null for the newest one and for what is no file of that changelog. */
export function rotatedFileNumber(newestName: string, name: string): number | null {
  const digits = name.startsWith(`${newestName}.`) ? name.slice(newestName.length + 1) : "";
  return /^[1-9]\d{0,14}$/.test(digits) ? Number(digits) : null;
}

export const CHANGE_KINDS = [
  "upsert", // a row was written
  "delete", // a row was deleted, or would have been, had it been there
  "clear", // all rows of the table were deleted
  "drop", // the table was dropped
  "schema", // the table was created, or has more fields; its rows are the same
  "reload", // rows of the table changed, and which ones cannot be said; without a family: of any table
] as const;

export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** One part of a key: the declared type in the ledger's words, and the value as JSON has it (bytes in base64). */
export interface ChangelogKeyPart {
  readonly name: string;
  readonly type: string;
  /** Integers are exact, whatever their size. */
  readonly value: string | number | bigint;
}

/** A change, as its line has it. */
export interface ChangelogLine {
  readonly seq: bigint;
  readonly family: string;
  readonly table: string;
  /** In key order; empty but for `upsert` and `delete`. */
  readonly key: readonly ChangelogKeyPart[];
  readonly kind: ChangeKind;
  /** True in the last line of a ledger transaction. */
  readonly end: boolean;
}

/** The first line of a file, which also has `family`, `table` and `key`, empty, for whoever knows the original's form only. */
export interface ChangelogHeader {
  readonly kind: "file";
  /** The changes after this sequence are here, and in the files after this one. */
  readonly seq: bigint;
  readonly format: number;
  /**
   * Changes with every break in what is known: another LDB took this one's place, or changes went by unseen. A sequence
   * read under one history says nothing under another (16 hex digits).
   */
  readonly history: string;
  /** Number of this file. */
  readonly file: number;
}
