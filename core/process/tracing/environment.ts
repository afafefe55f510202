/** OpenTelemetry's variables, read as the standard says: an empty one is not set, and one that is wrong is told of and left alone. */

export type Variables = Readonly<Record<string, string | undefined>>;

interface Range {
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

export class EnvironmentReader {
  readonly #variables: Variables;
  readonly #complaints: string[] = [];

  constructor(variables: Variables) {
    this.#variables = variables;
  }

  /** Names of variables and what is wrong with them; never their values. */
  get complaints(): readonly string[] {
    return this.#complaints;
  }

  complain(name: string, what: string): void {
    this.#complaints.push(`${name}: ${what}`);
  }

  text(name: string): string | undefined {
    const text = this.#variables[name]?.trim();
    return text === undefined || text === "" ? undefined : text;
  }

  isTrue(name: string): boolean {
    return this.text(name)?.toLowerCase() === "true";
  }

  /** The name of the exporter's variable that counts: the one for traces alone, if it is set. */
  ofTraces(ending: string): string {
    const own = `OTEL_EXPORTER_OTLP_TRACES_${ending}`;
    return this.text(own) === undefined ? `OTEL_EXPORTER_OTLP_${ending}` : own;
  }

  integer(name: string, { default: usual, min, max }: Range): number {
    const text = this.text(name);
    if (text === undefined) return usual;
    const number = /^\d{1,9}$/.test(text) ? Number(text) : -1;
    if (number >= min && number <= max) return number;
    this.complain(name, `it is no integer from ${min} to ${max}; ${usual} is used`);
    return usual;
  }

  /** `key=value,key=value`, percent-encoded. One pair that is wrong spoils all, as the standard says. */
  pairs(name: string): Readonly<Record<string, string>> {
    const pairs: Record<string, string> = {};
    for (const pair of (this.text(name) ?? "").split(",")) {
      if (pair.trim() === "") continue;
      const at = pair.indexOf("=");
      const key = pair.slice(0, Math.max(at, 0)).trim();
      const value = decoded(pair.slice(at + 1).trim());
      if (key === "" || value === null) {
        this.complain(name, "it is no list of key=value; all of it is left out");
        return {};
      }
      pairs[key] = value;
    }
    return pairs;
  }

  /** Headers of a request, as `pairs`. One that cannot be sent would be refused at each request, on Node with its value in the reason. */
  headers(name: string): Readonly<Record<string, string>> {
    const headers = this.pairs(name);
    const unsendable = Object.entries(headers).find(
      ([key, value]) => !HEADER_NAME.test(key) || !HEADER_VALUE.test(value),
    );
    if (unsendable === undefined) return headers;
    this.complain(name, "one of them cannot be sent as an HTTP header; all of it is left out");
    return {};
  }
}

/** What HTTP allows (RFC 9110). */
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
