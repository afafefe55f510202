/** Parsers of option and argument texts. Each throws a plain Error that says what the text must be. */
import { messageOf, quote } from "../core/errors.ts";
import { type FamilyName, parseFamilyName, parseTableName, type TableName } from "../core/names.ts";
import { parseBindAddress } from "../core/process/listen/address.ts";
import { NO_LIMIT } from "../core/rates.ts";
import { isObjectKey } from "../snapshot/stores/keys.ts";
import { parseStoreUrl } from "../snapshot/stores/store-url.ts";

export function text(value: string): string {
  if (value === "") throw new Error("it is empty");
  return value;
}

/** A whole number within bounds. */
export function integer(bounds: { readonly min: number; readonly max: number }): (value: string) => number {
  return (value) => {
    const parsed = /^-?\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    if (!(parsed >= bounds.min && parsed <= bounds.max))
      throw new Error(`it must be a whole number from ${bounds.min} to ${bounds.max}`);
    return parsed;
  };
}

export function choice<T extends string>(choices: readonly T[]): (value: string) => T {
  return (value) => {
    const found = choices.find((one) => one === value);
    if (found === undefined) throw new Error(`it must be one of ${choices.join(", ")}`);
    return found;
  };
}

/** `host:port`, with the host in brackets when it is an IPv6 address; port 0 is any free one. */
export function bindAddress(value: string): string {
  if (parseBindAddress(value)?.kind !== "tcp")
    throw new Error("it must be HOST:PORT, such as 127.0.0.1:3000");
  return value;
}

/** As `bindAddress`, or `unix:PATH`. */
export function bindAddressOrSocket(value: string): string {
  if (parseBindAddress(value) !== null) return value;
  throw new Error(
    "it must be HOST:PORT, such as 127.0.0.1:3000, or unix:PATH with a path of at most 107 bytes",
  );
}

export function httpUrl(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url === null || !["http:", "https:"].includes(url.protocol))
    throw new Error("it must be a URL such as http://127.0.0.1:3000");
  // Node refuses such requests, and says the password in the reason.
  if (url.username !== "" || url.password !== "") throw new Error("it must have no user or password in it");
  return value.replace(/\/+$/, "");
}

/** A URL, or `unix:PATH`. */
export function executiveAddress(value: string): string {
  if (value.startsWith("unix:")) return bindAddressOrSocket(value);
  try {
    return httpUrl(value);
  } catch (error) {
    throw new Error(`${messageOf(error)}, or unix:PATH`, { cause: error });
  }
}

/** `sqlite:PATH` or `mysql://…`; the adapters check the rest. */
export function ctldbUrl(value: string): string {
  if (!/^(sqlite:.|mysql:\/\/.)/.test(value))
    throw new Error("it must be sqlite:PATH or mysql://user:password@host:port/database");
  return value;
}

/** `file:///FOLDER` or `s3://BUCKET/PREFIX?…`; a store that is down is no error here. */
export function snapshotStoreUrl(value: string): string {
  return parseStoreUrl(value).url;
}

export interface TablePath {
  readonly family: FamilyName;
  readonly table: TableName;
}

/** `FAMILY/TABLE`. */
export function tablePath(value: string): TablePath {
  const [family, table, ...rest] = value.split("/");
  if (table === undefined || rest.length > 0)
    throw new Error(`${quote(value)} is not of the form FAMILY/TABLE`);
  return { family: parseFamilyName(family), table: parseTableName(table) };
}

/** `NAME:TYPE`. The types are checked with the whole table. */
export function fieldDeclaration(value: string): readonly [name: string, type: string] {
  const [name, type, ...rest] = value.split(":");
  if (!name || !type || rest.length > 0) throw new Error("it must be NAME:TYPE, such as price:decimal");
  return [name, type];
}

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A number with a unit, such as `90s`, `5m`, `24h`; in milliseconds. */
export function duration(bounds: { readonly min: number; readonly max: number }): (value: string) => number {
  return (value) => {
    const [, digits = "", unit = ""] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(value) ?? [];
    const parsed = digits === "" ? Number.NaN : Number(digits) * (UNITS_MS[unit] ?? Number.NaN);
    if (parsed >= bounds.min && parsed <= bounds.max) return parsed;
    throw new Error(
      `it must be a number with a unit (ms, s, m, h, d) from ${durationForm(bounds.min)} to ${durationForm(bounds.max)}`,
    );
  };
}

/** Milliseconds in the largest unit that gives a whole number. */
export function durationForm(ms: number): string {
  const [unit = "ms", unitMs = 1] =
    Object.entries(UNITS_MS).findLast(([, size]) => ms >= size && ms % size === 0) ?? [];
  return `${ms / unitMs}${unit}`;
}

/** A key in a bucket or a file below a folder. */
export function objectKey(value: string): string {
  if (!isObjectKey(value)) throw new Error('it must be parts of [0-9A-Za-z._-] joined by "/"');
  return value;
}

const SIZE_UNITS: Readonly<Record<string, bigint>> = {
  "": 1n,
  B: 1n,
  KiB: 1n << 10n,
  MiB: 1n << 20n,
  GiB: 1n << 30n,
  TiB: 1n << 40n,
};

/** Bytes, such as `1048576`, `50MiB` or `1GiB`. */
export function byteSize(value: string): bigint {
  const [, digits = "", unit = ""] = /^(\d{1,15})([A-Za-z]*)$/.exec(value) ?? [];
  const unitBytes = digits === "" ? undefined : SIZE_UNITS[unit];
  if (unitBytes === undefined)
    throw new Error("it must be a number of bytes, or a number with KiB, MiB, GiB or TiB, such as 50MiB");
  const bytes = BigInt(digits) * unitBytes;
  if (bytes <= NO_LIMIT) return bytes;
  throw new Error("it must be less than 8388608TiB");
}

/** What `parse` reads, or `none`, which is null. */
export function orNone<T>(parse: (value: string) => T): (value: string) => T | null {
  return (value) => (value === "none" ? null : parse(value));
}
