/** Results as text for people and as JSON for scripts. */
import { stringifyJson } from "../core/exact-json.ts";
import { cellsOf, padCells } from "./text-width.ts";

/** What a terminal obeys instead of showing it, and what turns the order of letters round. */
const UNSHOWN = /[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Text that others chose, such as names and contacts, for a line of its own: nothing in it can forge what stands beside it. */
export function shownText(text: string): string {
  return text.replace(UNSHOWN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** A table with aligned columns, without frames, so that it can be cut and grepped. */
export function textTable(headings: readonly string[], texts: readonly (readonly string[])[]): string[] {
  const rows = texts.map((row) => row.map(shownText));
  const widths = headings.map((heading, column) =>
    rows.reduce((most, row) => Math.max(most, cellsOf(row[column] ?? "")), heading.length),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => padCells(cell, widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return [line(headings.map((heading) => heading.toUpperCase())), ...rows.map(line)];
}

/** One value of a row for a person. Bytes are base64, as everywhere in text. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) return "-";
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  return String(value);
}

/** JSON of rows and answers: bytes are base64, integers beyond 2^53 decimal strings (I12). */
export function jsonText(value: unknown): string {
  return stringifyJson(withoutBytes(value));
}

function withoutBytes(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map(withoutBytes);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withoutBytes(member)]));
}

/** 1234567 µs as "1.23 s". */
export function durationText(us: number): string {
  if (us < 1_000) return `${us.toFixed(us < 100 ? 1 : 0)} µs`;
  if (us < 1_000_000) return `${(us / 1_000).toFixed(1)} ms`;
  return `${(us / 1_000_000).toFixed(2)} s`;
}
