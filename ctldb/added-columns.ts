/** Columns of the ctldb's own tables that came after the tables, declared alike in every database. */
export type AddedColumn = readonly [table: string, column: string, declaration: string];

export const ADDED_COLUMNS: readonly AddedColumn[] = [
  ["locks", "policy_version", "BIGINT NOT NULL DEFAULT 0"],
  ["mutators", "previous_secret", "VARCHAR(255) NULL"],
  ["mutators", "previous_secret_until", "BIGINT NULL"],
  ["mutators", "grants", "MEDIUMTEXT NULL"],
  ["max_writer_rates", "max_bytes_per_minute", "BIGINT NULL"],
  ["writer_usage", "bytes", "BIGINT NOT NULL DEFAULT 0"],
  // A `traceparent`; null unless the write was traced.
  ["ctlstore_dml_ledger", "trace", "VARCHAR(55) NULL"],
];
