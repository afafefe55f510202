/** A row of `mutators` as a record: the same columns in every database. */
import type { WriterName } from "../core/names.ts";
import type { WriterRecord } from "./store.ts";

interface WriterRow {
  readonly name: string;
  readonly secret: string;
  readonly cookie: Uint8Array;
  readonly previous: string | null;
  readonly until: number;
  /** JSON array of family names. */
  readonly grants: string | null;
}

export function writerRecord({ name, secret, cookie, previous, until, grants }: WriterRow): WriterRecord {
  return {
    name: name as WriterName,
    secretHash: secret,
    previousSecret: previous === null ? null : { hash: previous, until },
    grants: grants === null ? null : decodeGrants(grants),
    cookie,
  };
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
