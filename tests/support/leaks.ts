/**
 * Looks for secrets of the tests in what the code under test says (R45): what child processes write, bodies of HTTP
 * answers, metrics, and errors that tests look at. A finding fails the run at its end, and is written where
 * scripts/test.mjs finds it too.
 */
import { SecretScan } from "../../scripts/test/secret-scan.mjs";

const found: string[] = [];

/** What has been found so far, with where. */
export function leaks(): readonly string[] {
  return found;
}

export interface LeakOptions {
  /** False where a new operator's token is told to whoever made it. */
  readonly findsTokens?: boolean;
}

/** Looks at a stream as it comes. @param source for the report */
export function watchOutput(
  source: string,
  options: LeakOptions = {},
): { push(text: string): void; end(): void } {
  const scan = new SecretScan([], options);
  let told = 0;
  const tell = () => {
    for (const line of scan.findings.slice(told)) report(source, line);
    told = scan.findings.length;
  };
  return {
    push(text) {
      scan.push(text);
      tell();
    },
    end() {
      scan.end();
      tell();
    },
  };
}

/** Looks at a whole text. */
export function assertNoSecret(source: string, text: string, options: LeakOptions = {}): void {
  for (const line of findingsIn(text, options)) report(source, line);
}

/** Looks at all that a logger could show of an error: message, stack, and whatever it carries, causes included. */
export function assertNoSecretInError(error: unknown): void {
  assertNoSecret("an error", textOf(error, new Set()));
}

/** Not `Bun.inspect`: that shows lines of the source, those of tests with their secrets among them. */
function textOf(value: unknown, seen: Set<object>): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("latin1");
  if (typeof value !== "object" || value === null) return String(value);
  if (seen.has(value)) return "";
  seen.add(value);
  const names = Object.getOwnPropertyNames(value);
  return names.map((name) => `${name}: ${textOf(Reflect.get(value, name), seen)}`).join("\n");
}

export function findingsIn(text: string, options: LeakOptions = {}): readonly string[] {
  const scan = new SecretScan([], options);
  scan.push(text);
  return scan.end();
}

function report(source: string, line: string): void {
  found.push(`${source}: ${line}`);
  process.stderr.write(`a secret of the tests is in ${source}: ${line}\n`);
}

const TO_WHO_ASKED: LeakOptions = { findsTokens: false };

/** From now on every body that is made or read in this process is looked at, and every page of metrics. */
export function watchBodiesAndMetrics(): void {
  const { prototype } = Response;
  for (const name of ["text", "json"] as const) {
    const read: (this: Response) => Promise<unknown> = prototype[name];
    prototype[name] = async function watched(this: Response) {
      const body = await read.call(this);
      assertNoSecret(`the body of ${this.url || "an answer"}`, asText(body), TO_WHO_ASKED);
      return body as string;
    };
  }
  const { json } = Response;
  Response.json = (body: unknown, init?: ResponseInit) => {
    assertNoSecret("a JSON answer", asText(body), TO_WHO_ASKED);
    return json.call(Response, body, init);
  };
  const { Registry } = require("prom-client") as typeof import("prom-client");
  const { metrics } = Registry.prototype;
  Registry.prototype.metrics = async function watched() {
    const page = await metrics.call(this);
    assertNoSecret("metrics", page);
    return page;
  };
}

function asText(body: unknown): string {
  return typeof body === "string" ? body : (JSON.stringify(body) ?? "");
}
