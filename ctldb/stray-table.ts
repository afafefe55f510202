/** A table that stands in the database although the catalog does not know it: nobody here made it, nobody here takes it away. */
import { CtlstoreError } from "../core/errors.ts";

/** @param name as the database has it */
export function strayTable(name: string): CtlstoreError {
  return new CtlstoreError(
    "table_exists",
    `Cannot create table ${name}: the database has it, though the catalog does not`,
    { hint: "drop or rename it in the database by hand" },
  );
}
