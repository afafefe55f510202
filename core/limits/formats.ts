/** Parts of the formats. See `limits.ts`. */
import { KIB } from "./units.ts";

/** Parts of the formats: shared with the original ctlstore, not configurable. */
export const FORMAT_LIMITS = {
  /** The original's `max_table_sizes.family_name` is VARCHAR(30). */
  familyNameChars: { min: 3, max: 30 },
  /** The original's `max_table_sizes.table_name` is VARCHAR(50). */
  tableNameChars: { min: 3, max: 50 },
  /** `family___table` is a table name in MySQL, whose limit this is; checked when a table is created. */
  ldbTableNameChars: 64,
  /** MySQL's limit for a column name. */
  fieldNameChars: { min: 1, max: 64 },
  writerNameChars: { min: 3, max: 50 },
  secretChars: { min: 3, max: 100 },
  /** The cookie moves with every batch; it is an offset, not a store. */
  cookieBytes: 1024,
  /** VARCHAR(191): the longest utf8mb4 string that fits a 767-byte index. Counted in Unicode code points. */
  stringChars: 191,
  textBytes: 512 * KIB,
  binaryBytes: 512 * KIB,
  bytestringBytes: 255,
  /** InnoDB refuses more than 16 columns in one index. */
  keyFields: 16,
  /** InnoDB refuses an index longer than 3072 bytes; checked when a table is created. */
  keyBytes: 3072,
  /** A record must fit MySQL's 65,535-byte row: 80 strings of 191 utf8mb4 characters are 61,280 bytes. */
  fieldsPerTable: 200,
} as const;
