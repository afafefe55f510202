/**
 * JSON written by a person: refused with line and column, and with two members of one name, of which `JSON.parse` takes the
 * last without a word. Integers beyond 2^53 come as bigints (I12).
 */
import { CtlstoreError, type ErrorCode, quote } from "../../core/errors.ts";
import { integerFromJsonNumber } from "../../core/exact-json.ts";

/** Where a value stands in its text. */
interface Span {
  readonly value: unknown;
  readonly start: number;
  readonly end: number;
}

export interface DocumentOptions {
  /** Begins the message of a refusal: `Cannot read the mapping`. */
  readonly cannot: string;
  readonly code: ErrorCode;
  /** Objects and arrays within one another. */
  readonly depth: number;
}

/** @throws CtlstoreError with the code of the options */
export function parseDocument(text: string, options: DocumentOptions): unknown {
  return new DocumentReader(text, options).document().value;
}

/**
 * The members of a document that is an object, each as the text it has there.
 * @throws CtlstoreError with the code of the options
 */
export function memberTexts(text: string, options: DocumentOptions): ReadonlyMap<string, string> {
  const reader = new DocumentReader(text, options);
  const { value } = reader.document();
  if (!(value instanceof Object) || Array.isArray(value)) reader.refuse(0, "it needs to be an object");
  return new Map(reader.outerMembers.map(([name, { start, end }]) => [name, text.slice(start, end)]));
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SPACE = /[ \t\r\n]*/y;
const WORDS: readonly (readonly [word: string, value: unknown])[] = [
  ["true", true],
  ["false", false],
  ["null", null],
];

class DocumentReader {
  /** Of the outermost object. */
  readonly outerMembers: [name: string, span: Span][] = [];
  readonly #text: string;
  readonly #options: DocumentOptions;
  #at = 0;
  #depth = 0;

  constructor(text: string, options: DocumentOptions) {
    this.#text = text.startsWith("\ufeff") ? ` ${text.slice(1)}` : text;
    this.#options = options;
  }

  document(): Span {
    const span = this.#value();
    if (this.#at < this.#text.length) this.refuse(this.#at, "nothing more may follow");
    return span;
  }

  refuse(at: number, what: string): never {
    const before = this.#text.slice(0, at).split("\n");
    const column = (before.at(-1) ?? "").length + 1;
    const { code, cannot } = this.#options;
    throw new CtlstoreError(code, `${cannot}: line ${before.length}, column ${column}: ${what}`);
  }

  #value(): Span {
    this.#match(SPACE);
    const start = this.#at;
    const value = this.#bare();
    const end = this.#at;
    this.#match(SPACE);
    return { value, start, end };
  }

  #bare(): unknown {
    switch (this.#text[this.#at]) {
      case "{":
        return this.#nested(() => this.#object());
      case "[":
        return this.#nested(() => this.#array());
      case '"':
        return this.#string();
      case undefined:
        return this.refuse(this.#at, "it ends here; a value is needed");
      default:
        return this.#numberOrWord();
    }
  }

  #nested<T>(read: () => T): T {
    if (this.#depth === this.#options.depth) this.refuse(this.#at, "it is nested too deeply");
    this.#depth += 1;
    this.#at += 1;
    const value = read();
    this.#depth -= 1;
    return value;
  }

  #object(): Record<string, unknown> {
    const members = new Map<string, unknown>();
    for (let isFirst = true; !this.#take("}"); isFirst = false) {
      if (!isFirst) this.#need(",");
      this.#match(SPACE);
      const at = this.#at;
      if (this.#text[at] !== '"') this.refuse(at, `the name of a member is needed, in quotes`);
      const name = this.#string();
      if (members.has(name)) this.refuse(at, `member ${quote(name)} is there twice`);
      this.#need(":");
      const span = this.#value();
      members.set(name, span.value);
      if (this.#depth === 1) this.outerMembers.push([name, span]);
    }
    return Object.fromEntries(members);
  }

  #array(): unknown[] {
    const items: unknown[] = [];
    while (!this.#take("]")) {
      if (items.length > 0) this.#need(",");
      items.push(this.#value().value);
    }
    return items;
  }

  /** Finds the end by a loop, since an expression may run out of stack on a long one; JSON.parse looks at the rest. */
  #string(): string {
    const start = this.#at;
    let end = start + 1;
    while (end < this.#text.length && this.#text[end] !== '"') end += this.#text[end] === "\\" ? 2 : 1;
    this.#at = end + 1;
    try {
      return JSON.parse(this.#text.slice(start, end + 1)) as string; // it begins with a quote
    } catch {
      return this.refuse(start, "this string does not end, or has an illegal character");
    }
  }

  #numberOrWord(): unknown {
    const at = this.#at;
    const number = this.#match(NUMBER);
    if (number !== null) {
      const integer = integerFromJsonNumber(number);
      return integer === null || Number.isSafeInteger(Number(integer)) ? Number(number) : integer;
    }
    for (const [word, value] of WORDS) {
      if (!this.#text.startsWith(word, at)) continue;
      this.#at += word.length;
      return value;
    }
    return this.refuse(at, `a value is needed, not ${quote(this.#text.slice(at, at + 10))}`);
  }

  #need(sign: string): void {
    if (!this.#take(sign)) this.refuse(this.#at, `${quote(sign)} is needed`);
  }

  #take(sign: string): boolean {
    this.#match(SPACE);
    if (this.#text[this.#at] !== sign) return false;
    this.#at += 1;
    return true;
  }

  #match(expression: RegExp): string | null {
    expression.lastIndex = this.#at;
    const found = expression.exec(this.#text)?.[0] ?? null;
    if (found !== null) this.#at += found.length;
    return found;
  }
}
