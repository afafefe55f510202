/**
 * Takes an upsert of the ledger apart into a prefix and values, so that it can run as a prepared statement.
 *
 * Compiling SQL text costs SQLite more than running it. The parser knows exactly the forms that ctlstore writes
 * (docs/ledger-format.md) and gives up on anything else: such a statement runs as text, which is always right. What it
 * accepts is one whole statement (I7), and binding its values stores what the literals would.
 */

import { isUtf8 } from "node:buffer";

export type BoundValue = null | number | bigint | string | Uint8Array;

export interface ParsedUpsert {
  /** The text up to and with `VALUES(`; equal prefixes mean the same prepared statement. */
  readonly prefix: string;
  readonly values: BoundValue[];
}

export interface ParserOptions {
  /**
   * Also takes what the original lets in and binding would store otherwise: `true`, numbers beyond 64 bits, `5.0`. For whoever
   * wants to know what a statement says, not to run it.
   */
  readonly readsAll?: boolean;
}

export interface ParsedDelete {
  /** The condition: value by field. */
  readonly key: ReadonlyMap<string, BoundValue>;
}

const DELETE_PREFIX = /^DELETE FROM [a-z][a-z0-9_]* WHERE /;
const CONDITION = /"([a-z0-9_]+)" = /y;

const PREFIX = /^REPLACE INTO (?!sqlite_)[a-z][a-z0-9_]* \((?:"[a-z0-9_]+",?)+\) VALUES\(/;
const PREFIX_END = ") VALUES(";

const QUOTE = 0x27;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const CLOSE = 0x29;
const UPPER_C = 0x43;
const UPPER_N = 0x4e;
const LOWER_X = 0x78;

/** A parser that remembers the last prefix, which the next statement most often shares. */
export class UpsertParser {
  #prefix = "";
  /** Position of the parser; where a value ended. */
  #at = 0;
  readonly #readsAll: boolean;

  constructor({ readsAll = false }: ParserOptions = {}) {
    this.#readsAll = readsAll;
  }

  /** The parts of the statement, or null when it is not exactly an upsert of ours. */
  parse(statement: string): ParsedUpsert | null {
    if (!this.#takePrefix(statement)) return null;
    const values: BoundValue[] = [];
    this.#at = this.#prefix.length;
    for (;;) {
      const value = this.#value(statement);
      if (value === undefined) return null;
      values.push(value);
      const next = statement.charCodeAt(this.#at++);
      if (next === COMMA) continue;
      return next === CLOSE && this.#at === statement.length ? { prefix: this.#prefix, values } : null;
    }
  }

  /** The key that a statement deletes, or null when it is not exactly a delete of one row of ours. */
  parseDelete(statement: string): ParsedDelete | null {
    const prefix = DELETE_PREFIX.exec(statement);
    if (prefix === null) return null;
    const key = new Map<string, BoundValue>();
    this.#at = prefix[0].length;
    for (;;) {
      CONDITION.lastIndex = this.#at;
      const field = CONDITION.exec(statement)?.[1];
      if (field === undefined) return null;
      this.#at = CONDITION.lastIndex;
      const value = this.#value(statement);
      if (value === undefined) return null;
      key.set(field, value);
      if (this.#at === statement.length) return { key };
      if (!this.#word(statement, " AND ")) return null;
    }
  }

  #takePrefix(statement: string): boolean {
    if (this.#prefix !== "" && statement.startsWith(this.#prefix)) return true;
    const end = statement.indexOf(PREFIX_END);
    if (end < 0) return false;
    const prefix = statement.slice(0, end + PREFIX_END.length);
    if (PREFIX.exec(prefix)?.[0] !== prefix) return false;
    this.#prefix = prefix;
    return true;
  }

  /** The literal at the position, or undefined when it is none of ours. */
  #value(text: string): BoundValue | undefined {
    const first = text.charCodeAt(this.#at);
    if (first === QUOTE) return this.#string(text);
    if (first === MINUS || (first >= ZERO && first <= NINE)) return this.#number(text);
    if (first === UPPER_N) return this.#word(text, "NULL") ? null : undefined;
    if (first === LOWER_X) return this.#bytes(text);
    if (first === UPPER_C) return this.#castText(text);
    return this.#readsAll ? this.#truth(text) : undefined;
  }

  #truth(text: string): bigint | undefined {
    if (this.#word(text, "true")) return 1n;
    return this.#word(text, "false") ? 0n : undefined;
  }

  #word(text: string, word: string): boolean {
    if (!text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  #string(text: string): string | undefined {
    const start = this.#at + 1;
    let end = text.indexOf("'", start);
    let doubled = false;
    while (end >= 0 && text.charCodeAt(end + 1) === QUOTE) {
      doubled = true;
      end = text.indexOf("'", end + 2);
    }
    if (end < 0) return undefined;
    this.#at = end + 1;
    const content = text.slice(start, end);
    return doubled ? content.replaceAll("''", "'") : content;
  }

  #number(text: string): number | bigint | undefined {
    const start = this.#at;
    let at = start;
    let points = 0;
    if (text.charCodeAt(at) === MINUS) at += 1;
    const digitsFrom = at;
    for (; ; at++) {
      const char = text.charCodeAt(at);
      if (char === POINT) points += 1;
      else if (!(char >= ZERO && char <= NINE)) break;
    }
    if (
      points > 1 ||
      at === digitsFrom ||
      text.charCodeAt(at - 1) === POINT ||
      text.charCodeAt(digitsFrom) === POINT
    )
      return undefined;
    this.#at = at;
    const literal = text.slice(start, at);
    if (points === 1) {
      const value = Number(literal);
      // Drivers may bind a whole number as an integer, which a text column would tell from `5.0`.
      return Number.isInteger(value) && !this.#readsAll ? undefined : value;
    }
    return toInteger(literal, at - digitsFrom) ?? (this.#readsAll ? Number(literal) : undefined);
  }

  #bytes(text: string): Uint8Array | undefined {
    if (text.charCodeAt(this.#at + 1) !== QUOTE) return undefined;
    const start = this.#at + 2;
    const end = text.indexOf("'", start);
    const hex = end < 0 ? "" : text.slice(start, end);
    if (end < 0 || hex.length % 2 !== 0) return undefined;
    const bytes = Buffer.from(hex, "hex");
    if (bytes.length * 2 !== hex.length) return undefined;
    this.#at = end + 1;
    return bytes;
  }

  #castText(text: string): string | undefined {
    if (!this.#word(text, "CAST(")) return undefined;
    const bytes = this.#bytes(text);
    if (bytes === undefined || !this.#word(text, " AS CHAR)")) return undefined;
    return isUtf8(bytes) ? Buffer.from(bytes).toString("utf8") : undefined;
  }
}

/**
 * A whole number as SQLite takes the literal: 64 bits, or a double beyond. Never as a double below that, since a double
 * in a text column would be stored as `5.0`.
 */
function toInteger(literal: string, digits: number): number | bigint | undefined {
  if (digits <= 9) {
    const value = Number(literal);
    return Object.is(value, -0) ? 0 : value;
  }
  // More digits than 64 bits hold: a double for SQLite, too large to be taken for an integer by anybody.
  if (digits > 19) return /^-?[1-9]/.test(literal) ? Number(literal) : undefined;
  const value = BigInt(literal);
  return value >= -(2n ** 63n) && value < 2n ** 63n ? value : undefined;
}
