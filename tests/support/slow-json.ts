/**
 * A JSON parser to compare others with: character by character, as RFC 8259 has it, every number exact. Slow and plain.
 *
 * It shares nothing with `core/exact-json.ts` but the class for numbers that are kept as text.
 */
import { NumberText } from "../../core/exact-json.ts";

const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const SPACES = /[ \t\n\r]*/y;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/** @throws SyntaxError */
export function parseSlowly(text: string): unknown {
  const parser = new SlowParser(text);
  const value = parser.value();
  parser.end();
  return value;
}

class SlowParser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(): unknown {
    this.#match(SPACES);
    const first = this.#text[this.#at];
    if (first === "{") return this.#object();
    if (first === "[") return this.#array();
    if (first === '"') return this.#string();
    for (const [word, value] of [
      ["true", true],
      ["false", false],
      ["null", null],
    ] as const) {
      if (!this.#text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return value;
    }
    const number = this.#match(NUMBER);
    if (number === "") this.#fail();
    return numberOf(number);
  }

  end(): void {
    this.#match(SPACES);
    if (this.#at !== this.#text.length) this.#fail();
  }

  #object(): unknown {
    const members = new Map<string, unknown>();
    this.#list("}", () => {
      this.#match(SPACES);
      const name = this.#string();
      this.#match(SPACES);
      this.#take(":");
      members.set(name, this.value());
    });
    return Object.fromEntries(members);
  }

  #array(): unknown[] {
    const items: unknown[] = [];
    this.#list("]", () => items.push(this.value()));
    return items;
  }

  #list(close: string, item: () => void): void {
    this.#at += 1;
    this.#match(SPACES);
    if (this.#text[this.#at] !== close) {
      item();
      this.#match(SPACES);
      while (this.#text[this.#at] === ",") {
        this.#at += 1;
        item();
        this.#match(SPACES);
      }
    }
    this.#take(close);
  }

  #string(): string {
    this.#take('"');
    let value = "";
    for (;;) {
      const char = this.#text[this.#at++];
      if (char === undefined || char < " ") this.#fail();
      if (char === '"') return value;
      value += char === "\\" ? this.#escape() : char;
    }
  }

  #escape(): string {
    const letter = this.#text[this.#at++] ?? "";
    if (letter !== "u") return Object.hasOwn(ESCAPES, letter) ? (ESCAPES[letter] ?? "") : this.#fail();
    const hex = this.#text.slice(this.#at, this.#at + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(hex)) this.#fail();
    this.#at += 4;
    return String.fromCharCode(Number.parseInt(hex, 16));
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  #take(char: string): void {
    if (this.#text[this.#at++] !== char) this.#fail();
  }

  #fail(): never {
    throw new SyntaxError(`at ${this.#at}`);
  }
}

/** A double that is written as it was is one; what is an integer, or looks like one as a double, is kept exactly. */
function numberOf(token: string): number | bigint | NumberText {
  const double = Number(token);
  const { digits, exponent } = decimalOf(token);
  if (Number.isFinite(double) && double % 1 !== 0) {
    const written = decimalOf(String(double));
    return written.digits === digits && written.exponent === exponent ? double : new NumberText(token);
  }
  if (digits === 0n) return double;
  if (exponent < 0n || BigInt(digits.toString().replace("-", "").length) + exponent > 19n)
    return new NumberText(token);
  const exact = digits * 10n ** exponent;
  return Number.isSafeInteger(double) ? double : exact;
}

/** `digits` × 10^`exponent`; the digits do not end in a zero. */
function decimalOf(token: string): { readonly digits: bigint; readonly exponent: bigint } {
  const [mantissa = "", exponentText = "0"] = token.toLowerCase().split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  let digits = BigInt(whole + fraction);
  let exponent = BigInt(exponentText) - BigInt(fraction.length);
  while (digits !== 0n && digits % 10n === 0n) {
    digits /= 10n;
    exponent += 1n;
  }
  return { digits, exponent: digits === 0n ? 0n : exponent };
}
