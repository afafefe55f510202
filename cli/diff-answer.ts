/** What differs between an LDB and the ctldb, or another LDB: as text for people, like a patch, and as JSON for scripts. */
import type { RowDifference, TableReport, VerifyReport } from "../verify/report.ts";
import { cellJson, changeText, namedJson, namedText } from "./stored-text.ts";

/** What the second side is called. */
export type OtherSide = "the ctldb" | "the other";

/** Nothing about tables that are equal. */
export function diffLines(report: VerifyReport, other: OtherSide): string[] {
  const unlike = report.tables.filter(({ status }) => status !== "equal");
  if (unlike.length === 0) return [];
  return [
    `- the LDB at ${report.ldbSequence}`,
    `+ ${other} at ${report.headSequence}`,
    ...unlike.flatMap((table) => ["", tableLine(table, other), ...rowLines(table)]),
  ];
}

/** One line for people when nothing differs. */
export function equalLine({ tables, ldbSequence, headSequence }: VerifyReport, other: OtherSide): string {
  const rows = tables.reduce((sum, { ldb }) => sum + (ldb?.rows ?? 0), 0);
  const changing = tables.reduce((sum, table) => sum + table.changing, 0);
  const but = changing > 0 ? `, but for ${changing} rows that are being changed` : "";
  return `equal: ${counted(tables.length, "table")}, ${counted(rows, "row")}${but}; the LDB at ${ldbSequence}, ${other} at ${headSequence}`;
}

/** One line for the end of a comparison that found something. */
export function diffVerdict({ tables }: VerifyReport): string {
  const open = tables.filter(({ status }) => status === "busy" || status === "unreadable").length;
  const unlike = tables.filter(({ status }) => status !== "equal").length - open;
  return [
    ...(unlike > 0
      ? [`${unlike} of ${counted(tables.length, "table")} ${unlike === 1 ? "differs" : "differ"}`]
      : []),
    ...(open > 0 ? [`${open} could not be compared`] : []),
  ].join(", ");
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function tableLine(report: TableReport, other: OtherSide): string {
  const { family, table, differences, ldb, ctldb, changing } = report;
  const but = changing > 0 ? `; ${changing} more are being changed` : "";
  if (differences === null) return `${family}/${table}: ${statusText(report, other)}${but}`;
  const { missing, extra, different } = differences;
  const parts = [
    ...(different > 0 ? [`${different} with other values`] : []),
    ...(extra > 0 ? [`${extra} only in the LDB`] : []),
    ...(missing > 0 ? [`${missing} only in ${other}`] : []),
  ];
  return `${family}/${table}: ${parts.join(", ")}; ${ldb?.rows} rows in the LDB, ${ctldb?.rows} in ${other}${but}`;
}

function statusText({ status, reason }: TableReport, other: OtherSide): string {
  if (status === "missing_in_ldb") return `only in ${other}`;
  if (status === "missing_in_ctldb") return "only in the LDB";
  const words = status.replaceAll("_", " ");
  return reason === null ? words : `${words}: ${reason}`;
}

function rowLines({ differences }: TableReport): string[] {
  if (differences === null) return [];
  const { missing, extra, different, shown } = differences;
  const rest = missing + extra + different - shown.length;
  return [...shown.map(rowLine), ...(rest > 0 ? [`  and ${rest} more (--differences)`] : [])];
}

const SIGNS = { different: "~", extra: "-", missing: "+" } as const;

function rowLine({ kind, key, fields, ldb, ctldb }: RowDifference): string {
  const begin = `${SIGNS[kind]} ${namedText(key)}`;
  if (kind !== "different") {
    const others = [...(ldb ?? ctldb ?? [])].filter(([name]) => !key.has(name));
    return others.length === 0 ? begin : `${begin}  ${namedText(new Map(others))}`;
  }
  const pairs = fields.map(
    (name) => `${name}: ${changeText(ldb?.get(name) ?? null, ctldb?.get(name) ?? null)}`,
  );
  return `${begin}  ${pairs.join("; ")}`;
}

/** All tables, with the digest of each side; `other` is the ctldb, or the other LDB. */
export function diffJson(report: VerifyReport): unknown {
  const { equal, ldbSequence, headSequence, epoch, warnings, tables } = report;
  return {
    equal,
    ldbSequence,
    otherSequence: headSequence,
    epoch,
    warnings,
    tables: tables.map(({ family, table, status, reason, ldb, ctldb, changing, differences }) => ({
      family,
      table,
      status: status === "missing_in_ctldb" ? "missing_in_other" : status,
      reason,
      ldb,
      other: ctldb,
      changing,
      differences: differences && { ...differences, shown: differences.shown.map(rowJson) },
    })),
  };
}

function rowJson({ kind, key, fields, ldb, ctldb }: RowDifference): unknown {
  const changes = fields.map((name): [string, unknown] => [
    name,
    { ldb: cellJson(ldb?.get(name) ?? null), other: cellJson(ctldb?.get(name) ?? null) },
  ]);
  return {
    kind,
    key: namedJson(key),
    ...(kind === "different" ? { fields: Object.fromEntries(changes) } : {}),
    ...(kind === "extra" ? { ldb: namedJson(ldb ?? new Map()) } : {}),
    ...(kind === "missing" ? { other: namedJson(ctldb ?? new Map()) } : {}),
  };
}
