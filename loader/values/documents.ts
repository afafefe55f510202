/** Columns whose values are structs, arrays or maps: geometry, vectors, and whatever has no kind of its own. */
import { NumberText } from "../../core/exact-json.ts";
import { VALUE_LIMITS } from "../../core/limits.ts";
import { decodeBytes } from "./bytes.ts";
import { type ColumnReader, Misfit, NO_BYTES, never } from "./column-reader.ts";
import { refuseUnavailable } from "./unavailable.ts";

const NO_NUMBER = never("a number, and this has parts", "use a text field, which keeps it as JSON");

/** As JSON in text, its numbers as exact as the event's, its members in their order. */
export const DOCUMENTS: ColumnReader = {
  integer: NO_NUMBER,
  decimal: NO_NUMBER,
  text: documentText,
  bytes: NO_BYTES,
};

function documentText(value: unknown): string {
  if (typeof value !== "object" || value === null || value instanceof NumberText) {
    throw new Misfit("an object or an array");
  }
  return jsonText(value, 0);
}

function jsonText(value: unknown, depth: number): string {
  if (depth > VALUE_LIMITS.documentDepth) throw new Misfit(`at most ${VALUE_LIMITS.documentDepth} levels`);
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) {
    refuseUnavailable(value);
    return JSON.stringify(value);
  }
  if (value instanceof NumberText) return value.text;
  if (Array.isArray(value)) return `[${value.map((item) => jsonText(item, depth + 1)).join(",")}]`;
  const members = Object.entries(value).map(
    ([name, member]) => `${JSON.stringify(name)}:${jsonText(member, depth + 1)}`,
  );
  return `{${members.join(",")}}`;
}

/**
 * Geometry. As bytes it is what MySQL itself stores and returns: the reference system in four bytes, lowest first, then the
 * well-known binary form; no reference system is 0. As text it is the event's struct in JSON.
 */
export const GEOMETRIES: ColumnReader = {
  ...DOCUMENTS,
  bytes: (value) => {
    const { wkb, srid } = readGeometry(value);
    const system = Buffer.alloc(4);
    system.writeUInt32LE(srid);
    return Buffer.concat([system, wkb]);
  },
};

function readGeometry(value: unknown): { wkb: Buffer; srid: number } {
  if (typeof value === "object" && value !== null && "wkb" in value) {
    const srid = "srid" in value && value.srid !== null ? value.srid : 0;
    if (typeof srid === "number" && Number.isInteger(srid) && srid >= 0 && srid < 2 ** 32) {
      return { wkb: decodeBytes(value.wkb, "base64"), srid };
    }
  }
  throw new Misfit("an object of wkb and srid");
}
