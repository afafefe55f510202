/** A row of `mutators` as a record: the same columns in every database. */
import type { WriterName } from "../core/names.ts";
import type { SystemRow, WriterRecord } from "./store.ts";

interface WriterRow {
  readonly name: string;
  readonly secret: string;
  readonly cookie: Uint8Array;
  readonly previous: string | null;
  readonly until: number;
  /** JSON array of family names. */
  readonly grants: string | null;
}

export function writerRecord({ cookie, ...access }: WriterRow): WriterRecord {
  return { ...accessOf(access), cookie };
}

/** Of a row `writer, secret, previous_secret, previous_secret_until, grants`. */
export function writerAccess([name, secret, previous, until, grants]: SystemRow): Omit<
  WriterRecord,
  "cookie"
> {
  return accessOf({
    name: String(name),
    secret: String(secret),
    previous: textOrNull(previous),
    until: Number(until ?? 0),
    grants: textOrNull(grants),
  });
}

function accessOf({
  name,
  secret,
  previous,
  until,
  grants,
}: Omit<WriterRow, "cookie">): Omit<WriterRecord, "cookie"> {
  return {
    name: name as WriterName,
    secretHash: secret,
    previousSecret: previous === null ? null : { hash: previous, until },
    grants: grants === null ? null : decodeGrants(grants),
  };
}

function textOrNull(cell: SystemRow[number] | undefined): string | null {
  return cell === null || cell === undefined ? null : String(cell);
}

export function encodeGrants(families: Iterable<string>): string {
  return JSON.stringify([...families].sort());
}

/** What cannot be read grants nothing: a text that somebody broke must not open every family. */
export function decodeGrants(text: string): ReadonlySet<string> {
  try {
    const families: unknown = JSON.parse(text);
    return new Set(Array.isArray(families) ? families.filter((family) => typeof family === "string") : []);
  } catch {
    return new Set();
  }
}
