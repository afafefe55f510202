/** Overrides of limits as rows of the original's tables. */
import { CtlstoreError } from "../../core/errors.ts";
import type { FamilyName, TableName } from "../../core/names.ts";
import { NO_LIMIT, type Rate } from "../../core/rates.ts";
import { textLiteral } from "../../core/sql/literals.ts";
import type { SizeLimit } from "./contract.ts";

/** @throws CtlstoreError `invalid_value` */
export function assertRate({ rows, bytes }: Rate): void {
  assertAmount(rows ?? NO_LIMIT, "amount");
  assertAmount(bytes ?? NO_LIMIT, "bytes");
}

/** @throws CtlstoreError `invalid_value` */
export function assertSizeLimit({ warnBytes, maxBytes }: SizeLimit): void {
  assertAmount(warnBytes, "warn-size");
  assertAmount(maxBytes, "max-size");
  if (warnBytes <= maxBytes) return;
  throw new CtlstoreError(
    "invalid_value",
    `Cannot warn at ${warnBytes} bytes: the table's hard limit is ${maxBytes}; the warning needs to come before it`,
    { field: "warn-size" },
  );
}

function assertAmount(amount: bigint, field: string): void {
  if (amount >= 0n && amount <= NO_LIMIT) return;
  throw new CtlstoreError(
    "invalid_value",
    `Cannot use ${amount} as ${field}: it needs to be from 0 to 2^63-1`,
    { field },
  );
}

/** @param name of a writer or the fleet, or a pattern; @param rate null takes the override away */
export function rateStatements(name: string, rate: Rate | null): string[] {
  if (rate === null) return [`DELETE FROM max_writer_rates WHERE writer_name = ${textLiteral(name)}`];
  return [
    `REPLACE INTO max_writer_rates (writer_name, max_rows_per_minute, max_bytes_per_minute)
     VALUES (${textLiteral(name)}, ${rate.rows ?? NO_LIMIT}, ${rate.bytes ?? "NULL"})`,
  ];
}

/** Also replaces what the original stored under the name in another case (D13). @param limit null takes the override away */
export function sizeLimitStatements(family: FamilyName, table: TableName, limit: SizeLimit | null): string[] {
  const names = [textLiteral(family), textLiteral(table)];
  const remove = `DELETE FROM max_table_sizes WHERE LOWER(family_name) = ${names[0]} AND LOWER(table_name) = ${names[1]}`;
  if (limit === null) return [remove];
  const insert = `INSERT INTO max_table_sizes (family_name, table_name, warn_size_bytes, max_size_bytes)
    VALUES (${names.join(",")}, ${limit.warnBytes}, ${limit.maxBytes})`;
  return [remove, insert];
}
