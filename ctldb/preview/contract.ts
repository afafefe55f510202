/** What a change of tables would do, without doing it. */
import type { CtlstoreError } from "../../core/errors.ts";
import type { FamilyName, TableName, WriterName } from "../../core/names.ts";
import type { FieldSchema, TableSchema } from "../../core/schema.ts";
import type { DeclaredReader } from "../access/contract.ts";

export type ProposedChange =
  | { readonly kind: "create-family"; readonly family: FamilyName }
  | { readonly kind: "create"; readonly tables: readonly TableSchema[] }
  | {
      readonly kind: "add-fields";
      readonly family: FamilyName;
      readonly table: TableName;
      readonly fields: readonly FieldSchema[];
    }
  | { readonly kind: "drop"; readonly family: FamilyName; readonly table: TableName }
  /** Null is every table of the family. */
  | { readonly kind: "clear"; readonly family: FamilyName; readonly table: TableName | null };

/** What the ctldb has to do; Reflectors do the same in SQLite, where adding a field costs nothing. */
export type ChangeCost =
  | "none" // nothing, or a new empty table
  | "instant" // metadata alone
  | "rebuild" // writes the whole table anew, while writes to every table wait
  | "rows"; // grows with the number of rows

export interface TablePreview {
  readonly family: FamilyName;
  readonly table: TableName;
  /** As they would stand in the ledger. */
  readonly ledgerStatements: readonly string[];
  /** As the ctldb would run them. */
  readonly ctldbStatements: readonly string[];
  readonly cost: ChangeCost;
  /** Null of a table that is not there yet. */
  readonly rows: bigint | null;
  /** False: counted. True: there was no time for that. */
  readonly rowsAreEstimated: boolean;
  /** As last measured; null when nobody has. */
  readonly bytes: bigint | null;
  readonly readers: readonly DeclaredReader[];
  /** Who wrote to it in the newest entries of the ledger (`PREVIEW_LIMITS.ledgerEntries`), the last one first. */
  readonly writers: ReadonlyArray<{ readonly writer: WriterName; readonly lastUs: number }>;
}

export interface ChangePreview {
  /** Why the change would be refused as things are; none when it would be made. */
  readonly conflicts: readonly CtlstoreError[];
  readonly tables: readonly TablePreview[];
}
