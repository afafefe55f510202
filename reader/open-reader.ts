/** Puts a reader together for one driver. */
import { CtlstoreError } from "../core/errors.ts";
import { READER_LIMITS } from "../core/limits.ts";
import type { LdbDriver } from "../ldb/connection.ts";
import { FollowedLdb, ldbFilePath } from "./followed-ldb.ts";
import { Reader } from "./reader.ts";
import { SeenState } from "./seen-state.ts";
import type { ShapeCheck } from "./session.ts";
import { SessionRunner } from "./session-runner.ts";
import type { IntegerForm, LdbReader, ReaderOptions } from "./types.ts";
import { warnOfOldSqlite, warnOnce } from "./warnings.ts";

const INTEGER_FORMS: readonly string[] = ["number", "bigint", "mixed"] satisfies IntegerForm[];

function checkOptions(options: ReaderOptions): void {
  const { path, integers = "number", cacheBytes = 0, fileCheckIntervalMs = 0 } = options;
  const wrong =
    typeof path !== "string" || path === ""
      ? "path must be the LDB's folder or file"
      : !INTEGER_FORMS.includes(integers)
        ? 'integers must be "number", "bigint" or "mixed"'
        : !(cacheBytes >= 0 && fileCheckIntervalMs >= 0)
          ? "cacheBytes and fileCheckIntervalMs must be at least 0"
          : null;
  if (wrong !== null) throw new CtlstoreError("config_invalid", `Cannot open a reader: ${wrong}`);
}

/** @throws CtlstoreError `config_invalid`, `ldb_not_found`, `ldb_damaged`, `ldb_incompatible`, `ldb_unavailable` */
export function openReaderWith(
  driver: LdbDriver,
  options: ReaderOptions,
  checks: { readonly checkShape?: ShapeCheck } = {},
): LdbReader {
  checkOptions(options);
  const path = ldbFilePath(options.path);
  const onWarning = options.onWarning ?? warnOnce;
  const ldb = new FollowedLdb(
    { driver, seen: new SeenState(path), onWarning },
    {
      path,
      integers: options.integers ?? "number",
      cacheBytes: options.cacheBytes ?? READER_LIMITS.cacheBytes,
      checkIntervalMs: options.fileCheckIntervalMs ?? READER_LIMITS.fileCheckIntervalMs,
      ...checks,
    },
  );
  warnOfOldSqlite(driver.name, ldb.current().connection.sqliteVersion, onWarning);
  return new Reader(new SessionRunner({ ldb, driver, path }), {
    ldbPath: path,
    bigints: options.integers === "bigint",
  });
}
