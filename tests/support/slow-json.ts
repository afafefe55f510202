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

/** A double that has a fraction stays one; what is an integer, or looks like one as a double, is kept exactly. */
function numberOf(token: string): number | bigint | NumberText {
  const double = Number(token);
  if (Number.isFinite(double) && double % 1 !== 0) return double;
  const [mantissa = "", exponentText = "0"] = token.split(/e/i);
  const [whole = "", fraction = ""] = mantissa.split(".");
  const trimmed = fraction.replace(/0+$/, "");
  const digits = `${whole}${trimmed}`;
  const exponent = BigInt(exponentText) - BigInt(trimmed.length);
  if (/^-?0*$/.test(digits)) return double;
  const zeros = /0*$/.exec(digits)?.[0].length ?? 0;
  const shift = exponent + BigInt(zeros);
  const kept = digits.slice(0, digits.length - zeros);
  const length = BigInt(kept.replace(/^-?0*/, "").length) + shift;
  if (shift < 0n || length > 19n) return new NumberText(token);
  const exact = BigInt(kept) * 10n ** shift;
  return Number.isSafeInteger(double) ? double : exact;
}
