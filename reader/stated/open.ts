/** Stated reads under Bun. */
import { bunDriver } from "../../ldb/drivers/bun.ts";
import { StatedReader, type StatedReaderOptions } from "./stated-reader.ts";

/** @throws CtlstoreError `ldb_not_found`, `ldb_damaged`, `ldb_incompatible`, `ldb_unavailable` */
export function openStatedReader(options: StatedReaderOptions): StatedReader {
  return new StatedReader(bunDriver, options);
}
