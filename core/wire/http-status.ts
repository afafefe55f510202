/** The HTTP status of each error code: the only place where the two meet. */
import type { ErrorCode } from "../errors.ts";

const STATUS = {
  malformed_request: 400,
  bad_credentials: 401,
  not_granted: 403,
  unknown_family: 404,
  unknown_table: 404,
  unknown_writer: 404,
  unknown_operator: 404,
  unknown_reader: 404,
  unknown_row: 404,
  unknown_route: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  family_exists: 409,
  table_exists: 409,
  field_exists: 409,
  writer_exists: 409,
  operator_exists: 409,
  cookie_conflict: 409,
  request_too_large: 413,
  too_many_mutations: 413,
  too_many_rows: 416,
  statement_too_large: 413,
  invalid_name: 422,
  invalid_schema: 422,
  invalid_value: 422,
  unknown_field: 422,
  missing_key_field: 422,
  invalid_key: 422,
  schema_too_large: 422,
  rate_limited: 429,
  internal: 500,
  ctldb_unavailable: 503,
  overloaded: 503,
  ctldb_incompatible: 503,
  // What a sidecar answers while its LDB cannot say anything, which is never "not found" (R36).
  ldb_not_found: 503,
  ldb_empty: 503,
  ldb_regressed: 503,
  ldb_damaged: 503,
  ldb_incompatible: 503,
  ldb_unavailable: 503,
  too_stale: 503,
  // Not 503: that one promises that nothing was changed.
  commit_outcome_unknown: 504,
  wait_timeout: 504,
  table_full: 507,
} as const satisfies Partial<Record<ErrorCode, number>>;

/** Codes that are not listed never reach an API; if one does, it is a defect of ours. */
export function httpStatus(code: ErrorCode): number {
  return code in STATUS ? STATUS[code as keyof typeof STATUS] : 500;
}
