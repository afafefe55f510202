/** The reader under Bun. Its twin for Node and Deno is `node.ts`; package.json's conditions choose between them. */
import { bunDriver } from "../ldb/drivers/bun.ts";
import { openReaderWith } from "./open-reader.ts";
import { openCheckedReaderWith, waitForCheckedReaderWith } from "./typed/open-checked.ts";
import type { SchemaDefinition, TypedReader, TypedReaderOptions, TypedTables } from "./typed/types.ts";
import type { LdbReader, ReaderOptions, WaitOptions } from "./types.ts";

export { CtlstoreError, type ErrorCode, isCtlstoreError } from "../core/errors.ts";
export type { FieldType } from "../core/field-types.ts";
export type * from "./typed/types.ts";
export type * from "./types.ts";

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
  return openReaderWith(bunDriver, options);
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
  return openCheckedReaderWith(bunDriver, schema, options);
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
