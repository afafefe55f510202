/**
 * The reader under Node and Deno: through node:sqlite where the runtime has it, through better-sqlite3 otherwise.
 */
import { CtlstoreError } from "../core/errors.ts";
import type { LdbDriver } from "../ldb/connection.ts";
import { betterSqlite3Driver } from "../ldb/drivers/better-sqlite3.ts";
import { nodeDriver } from "../ldb/drivers/node.ts";
import { openReaderWith } from "./open-reader.ts";
import { openCheckedReaderWith, waitForCheckedReaderWith } from "./typed/open-checked.ts";
import type { SchemaDefinition, TypedReader, TypedReaderOptions, TypedTables } from "./typed/types.ts";
import type { LdbReader, ReaderOptions, WaitOptions } from "./types.ts";

export { CtlstoreError, type ErrorCode, isCtlstoreError } from "../core/errors.ts";
export type { FieldType } from "../core/field-types.ts";
export type * from "./typed/types.ts";
export type * from "./types.ts";

let driver: LdbDriver | null = null;

function chooseDriver(): LdbDriver {
  const native = nodeDriver();
  if (native !== null) return native;
  try {
    return betterSqlite3Driver();
  } catch (cause) {
    throw new CtlstoreError(
      "config_invalid",
      `Cannot open a reader on ${process.version}: it has no node:sqlite and better-sqlite3 does not load`,
      { cause, hint: "use Node 22.13 or newer, or: npm install better-sqlite3" },
    );
  }
}

function loadedDriver(): LdbDriver {
  driver ??= chooseDriver();
  return driver;
}

/**
 * Opens an LDB for reading.
 *
 * The LDB has to be there: before a Reflector has first started there is nothing to open (`ldb_not_found`). One that
 * is still empty opens, and its reads throw `ldb_empty` until it is filled.
 *
 * @example
 * ```ts
 * const reader = openReader({ path: "/var/spool/ctlstore" });
 * const row = reader.getRowByKey("myfamily", "mytable", "some-key");
 * ```
 * @throws CtlstoreError `ldb_not_found`, `ldb_damaged`, `ldb_incompatible`, `ldb_unavailable`, `config_invalid`
 */
export function openReader(options: ReaderOptions): LdbReader {
  return openReaderWith(loadedDriver(), options);
}

/**
 * Opens an LDB whose tables are compared with those of a module that `ctlstore codegen` wrote, which calls this.
 *
 * Once it is open, every table of the module was there, with its fields, types and key.
 * @throws CtlstoreError as `openReader`; `ldb_empty`; `schema_mismatch` naming every difference
 */
export function openCheckedReader<S extends TypedTables>(
  schema: SchemaDefinition,
  options: TypedReaderOptions<S>,
): TypedReader<S> {
  return openCheckedReaderWith(loadedDriver(), schema, options);
}

/**
 * As `openCheckedReader`, for a start beside a Reflector that starts, too: waits while there is no LDB, while it is empty,
 * and while tables are not there yet.
 * @throws CtlstoreError what kept it from opening when the time was over; the signal's reason when aborted
 */
export function waitForCheckedReader<S extends TypedTables>(
  schema: SchemaDefinition,
  options: TypedReaderOptions<S>,
  wait: WaitOptions,
): Promise<TypedReader<S>> {
  return waitForCheckedReaderWith((one) => openCheckedReader<S>(schema, one), options, wait);
}
