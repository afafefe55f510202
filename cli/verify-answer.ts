/** The result of a comparison as text for people and as JSON for scripts. */
import type { NamedCells, RowDifference, TableReport, VerifyReport } from "../verify/report.ts";
import { textTable } from "./print.ts";
import { cellText, namedJson, namedText } from "./stored-text.ts";

export interface ValueOptions {
  /** Show what is in differing fields. Keys are always shown. */
  readonly values: boolean;
}

export function verifyLines({ tables }: VerifyReport, options: ValueOptions): string[] {
  const rows = tables.map((table) => [
    `${table.family}/${table.table}`,
    String(table.ldb?.rows ?? "-"),
    String(table.ctldb?.rows ?? "-"),
    (table.ldb?.digest ?? "-").slice(0, 16),
    statusText(table),
  ]);
  return [
    ...textTable(["table", "rows in ldb", "rows in ctldb", "digest", "result"], rows),
    ...tables.flatMap((table) => differenceLines(table, options)),
  ];
}

/** One line for the end of a comparison that found something. */
export function verifyVerdict({ tables, ldbSequence, headSequence }: VerifyReport): string {
  const count = (statuses: readonly string[]) =>
    tables.filter(({ status }) => statuses.includes(status)).length;
  const uncompared = count(["busy", "unreadable"]);
  const unlike = tables.length - count(["equal"]) - uncompared;
  const parts = [
    ...(unlike > 0 ? [`${unlike} of ${tables.length} tables differ`] : []),
    ...(uncompared > 0 ? [`${uncompared} could not be compared`] : []),
  ];
  return `${parts.join(", ")}; the LDB was at ${ldbSequence}, the ctldb at ${headSequence}`;
}

function statusText({ status, differences, changing, reason }: TableReport): string {
  const words = status.replaceAll("_", " ");
  if (differences !== null) {
    const { missing, extra, different } = differences;
    return `${words}: ${missing} missing, ${extra} extra, ${different} with other values`;
  }
  if (reason !== null) return `${words}: ${reason}`;
  return changing > 0 ? `${words}, but for ${changing} rows that are being changed` : words;
}

function differenceLines({ family, table, differences }: TableReport, options: ValueOptions): string[] {
  if (differences === null) return [];
  const { missing, extra, different, shown } = differences;
  const rest = missing + extra + different - shown.length;
  return [
    ...shown.map((one) => `${family}/${table} ${one.kind} ${namedText(one.key)}${detailText(one, options)}`),
    ...(rest > 0 ? [`${family}/${table} and ${rest} more`] : []),
  ];
}

function detailText(difference: RowDifference, { values }: ValueOptions): string {
  const { kind, fields, ldb, ctldb } = difference;
  if (kind !== "different") return values ? ` ${namedText(ldb ?? ctldb ?? new Map())}` : "";
  if (!values) return ` in ${fields.join(", ")}`;
  const pairs = fields.map(
    (field) =>
      `${field}: ${cellText(ldb?.get(field) ?? null)} in the LDB, ${cellText(ctldb?.get(field) ?? null)} in the ctldb`,
  );
  return ` in ${pairs.join("; ")}`;
}

/** The report as JSON values; without `values` nothing of a row but its key. */
export function verifyJson(report: VerifyReport, { values }: ValueOptions): unknown {
  const row = (cells: NamedCells | null) => (cells === null ? null : namedJson(cells));
  return {
    ...report,
    tables: report.tables.map(({ differences, ...table }) => ({
      ...table,
      differences: differences && {
        ...differences,
        shown: differences.shown.map(({ kind, key, fields, ldb, ctldb }) => ({
          kind,
          key: namedJson(key),
          fields,
          ...(values ? { ldb: row(ldb), ctldb: row(ctldb) } : {}),
        })),
      },
    })),
  };
}
