/** Places from which changes are followed: where the LDB is now, and where what is kept begins. */
import type { ChangelogPlace } from "../../core/changelog/cursor.ts";
import { CtlstoreError } from "../../core/errors.ts";
import { toSequence } from "../../core/sequence.ts";
import type { ChangelogFile } from "./changelog-file.ts";
import type { ChangelogFiles } from "./changelog-files.ts";

/** The LDB as its reader sees it. */
export interface FollowedState {
  /** The last sequence that a read is answered from; null while no read is answered, since there is nothing, or too little. */
  sequence(): bigint | null;
  /** Goes to the file that is the LDB now. */
  follow(): void;
}

export interface FollowerDeps {
  readonly files: ChangelogFiles;
  readonly ldb: FollowedState;
}

/** A place in a history. */
export type KnownPlace = ChangelogPlace & { readonly history: string };

/**
 * The place that the LDB is at now.
 * @throws CtlstoreError `changelog_unavailable` when there is no changelog, and what a read of the LDB throws
 */
export function placeNow(deps: FollowerDeps): KnownPlace {
  using latest = deps.files.latest();
  if (latest === null) throw noChangelog(deps.files.path);
  return placeIn(latest, deps.ldb);
}

/**
 * The place from which all changes that are kept come.
 * @throws CtlstoreError `changelog_unavailable`
 */
export function oldestPlace({ files }: Pick<FollowerDeps, "files">): KnownPlace {
  using latest = files.latest();
  if (latest === null) throw noChangelog(files.path);
  const { seq, history } = files.oldestHeader(latest.header);
  return { sequence: toSequence(seq), history };
}

/**
 * The header was read before the LDB's sequence is. Were the LDB replaced in between, the history would be over, which is
 * found out; the other way round a place would be one of a history that has not got so far.
 */
export function placeIn({ header }: ChangelogFile, ldb: FollowedState): KnownPlace {
  ldb.follow();
  const sequence = toSequence(ldb.sequence() ?? header.seq);
  return { sequence, history: header.history };
}

export function noChangelog(path: string): CtlstoreError {
  return new CtlstoreError(
    "changelog_unavailable",
    `Cannot follow changes: there is no changelog at ${path}; the Reflector of this LDB has to keep one`,
    { hint: "start the Reflector with --changelog" },
  );
}
