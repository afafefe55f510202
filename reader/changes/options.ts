/** What a caller asked of `changes`, checked at once: a wrong name would otherwise wait for ever for its changes. */
import { dirname, join } from "node:path";
import { type ChangelogPlace, parseCursor } from "../../core/changelog/cursor.ts";
import { CHANGELOG_FILE_NAME } from "../../core/changelog/format.ts";
import { CtlstoreError } from "../../core/errors.ts";
import { CHANGES_LIMITS } from "../../core/limits.ts";
import { splitLdbTableName } from "../../core/names.ts";
import { parseLdbTableName } from "../table-name.ts";
import type { ChangesOptions } from "../types.ts";
import type { ChangeFilter } from "./events.ts";

export interface CheckedChangesOptions {
  /** Null begins now. */
  readonly since: ChangelogPlace | "oldest" | null;
  /** False ends where there is no more for now. */
  readonly follow: boolean;
  readonly filter: ChangeFilter;
  readonly signal: AbortSignal | null;
  readonly pollIntervalMs: number;
  readonly changelogPath: string;
}

/**
 * @param ldbPath of `ldb.db`
 * @throws CtlstoreError `malformed_request`, `invalid_name`, `config_invalid`
 */
export function checkChangesOptions(options: ChangesOptions, ldbPath: string): CheckedChangesOptions {
  const { since, signal, pollIntervalMs = CHANGES_LIMITS.pollIntervalMs } = options;
  if (!(pollIntervalMs >= 1 && pollIntervalMs <= LONGEST_TIMER_MS))
    throw invalid(`pollIntervalMs must be from 1 to ${LONGEST_TIMER_MS}, not ${pollIntervalMs}`);
  return {
    since: since === undefined ? null : since === "oldest" ? since : parseCursor(since),
    follow: options.follow ?? true,
    filter: filterOf(options),
    signal: signal ?? null,
    pollIntervalMs,
    changelogPath: options.changelogPath ?? join(dirname(ldbPath), CHANGELOG_FILE_NAME),
  };
}

/** A timer that is set for longer goes off at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A table that every family may have, to check a family by. */
const ANY_TABLE = "any";

function filterOf({ family, table }: ChangesOptions): ChangeFilter {
  if (family === undefined) {
    if (table !== undefined) throw invalid("table needs its family");
    return { family: null, table: null };
  }
  const names = splitLdbTableName(parseLdbTableName(family, table ?? ANY_TABLE));
  return { family: names?.family ?? null, table: table === undefined ? null : (names?.table ?? null) };
}

function invalid(what: string): CtlstoreError {
  return new CtlstoreError("config_invalid", `Cannot follow changes: ${what}`);
}
