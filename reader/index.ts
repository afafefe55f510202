/** The reader under Bun. Its twin for Node and Deno is `node.ts`; package.json's conditions choose between them. */
import { bunDriver } from "../ldb/drivers/bun.ts";
import { openReaderWith } from "./open-reader.ts";
import type { LdbReader, ReaderOptions } from "./types.ts";

export { CtlstoreError, type ErrorCode, isCtlstoreError } from "../core/errors.ts";
export type { FieldType } from "../core/field-types.ts";
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
