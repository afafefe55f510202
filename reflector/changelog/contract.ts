/** What whoever runs a changelog says to it, and hears from it. */

export interface ChangelogSettings {
  readonly path: string;
  /** The next file is begun once the newest has so many bytes. */
  readonly fileBytes: number;
  /** Older files kept. */
  readonly files: number;
}

/** Since it was opened. */
export interface ChangelogCounts {
  readonly changelogLines: number;
  readonly changelogBytes: number;
  readonly changelogResets: number;
  readonly changelogRotations: number;
}

export const NO_CHANGELOG_COUNTS: ChangelogCounts = {
  changelogLines: 0,
  changelogBytes: 0,
  changelogResets: 0,
  changelogRotations: 0,
};
