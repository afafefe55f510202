/** The result of a comparison as text for people and as JSON for scripts. */
import type { Cell } from "../core/sql/stored-rows.ts";
import { InvalidText } from "../core/sql/stored-rows.ts";
import type { NamedCells, RowDifference, TableReport, VerifyReport } from "../verify/report.ts";
import { textTable } from "./print.ts";

export interface ValueOptions {
  /** Show what is in differing fields. Keys are always shown. */
  readonly values: boolean;
}

/** Longest value in a line for people; JSON has it whole. */
const SHOWN_CHARS = 60;

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

function namedText(cells: NamedCells): string {
  return [...cells].map(([name, cell]) => `${name}=${cellText(cell)}`).join(" ");
}

/** As a literal that shows the storage class. */
function cellText(cell: Cell): string {
  const text = literal(cell);
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS - 3)}...` : text;
}

function literal(cell: Cell): string {
  if (cell === null) return "null";
  if (typeof cell === "bigint") return cell.toString();
  if (typeof cell === "number") return Number.isInteger(cell) ? cell.toExponential() : String(cell);
  if (typeof cell === "string") return JSON.stringify(cell);
  if (cell instanceof InvalidText) return `text x'${Buffer.from(cell.bytes).toString("hex")}'`;
  return `x'${Buffer.from(cell).toString("hex")}'`;
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

function namedJson(cells: NamedCells): Record<string, unknown> {
  return Object.fromEntries([...cells].map(([name, cell]) => [name, cellJson(cell)]));
}

/** With its storage class, which may be all that differs. Bytes are base64. */
function cellJson(cell: Cell): unknown {
  if (cell === null) return { storage: "null" };
  if (typeof cell === "bigint") return { storage: "integer", value: cell };
  if (typeof cell === "number") return { storage: "real", value: cell };
  if (typeof cell === "string") return { storage: "text", value: cell };
  if (cell instanceof InvalidText) return { storage: "text", bytes: cell.bytes };
  return { storage: "blob", bytes: cell };
}
