/**
 * Requests made of the OpenAPI document by chance: most of them nearly right, since what is far from right is refused by
 * the first check that it meets.
 */
import { testSecret } from "../support/secrets.ts";
import type { ApiOperation } from "./api-document.ts";
import { bodyFor } from "./fuzz-bodies.ts";
import { NASTY_TEXTS } from "./nasty-values.ts";
import { pick } from "./schema-samples.ts";

export interface FuzzRequest {
  /** The operation that it was made from. */
  readonly operation: ApiOperation;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>;
  readonly body: Uint8Array<ArrayBuffer> | null;
  /** Sent piece by piece, without a declared length. */
  readonly chunked: boolean;
  /** What was sent as a secret or a token: no answer may hold it. */
  readonly secrets: readonly string[];
}

/** What is known of the world that the requests are for. */
export interface FuzzKnowledge {
  readonly adminToken: string;
  /** Of operators with lower roles, and of nobody. */
  readonly otherTokens: readonly string[];
  readonly writer: { readonly name: string; readonly secret: string };
}

/** Names that exist, or may. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  family: ["shop", "shop", "shop", "shop", "bank", "Shop", "none"],
  table: ["item", "item", "counter", "counter", "extra", "ITEM", "none"],
  writer: ["importer", "importer", "stranger", "new writer", "loader:*", "none"],
  name: ["helper", "victim", "none"],
  reader: ["checkout", "billing", "none"],
};

const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  "dry-run": ["true", "true", "false", "1", "TRUE"],
  overlap: ["0s", "1h", "24h", "1.5h", "-1s", "9999h"],
  limit: ["1", "2", "100", "1000", "0", "100000"],
  fields: ["key", "all", "none"],
  after: ["WyJhIl0", "WzFd", "bnVsbA", "e30", "W10"],
  before: ["1", "10", "0"],
  key: ["[1]", "[2]", "[]", '["a"]', "[1,2]", "1", "[null]", "[9223372036854775807]"],
  prefix: ["[1]", "[]", '["a"]', "[1,2]", "{}"],
  family: ["shop", "bank", "none"],
  table: ["item", "counter", "none"],
  wait: ["0", "0.01", "31", "x"],
  full: ["true", "false", "1"],
  actor: ["admin-token", "helper"],
  action: ["limit.set", "table.drop", "nothing"],
  target: ["shop/item", "shop"],
};

/** How much of the requests are batches of mutations: what there is most of. */
const WRITES = 0.15;

export class FuzzGenerator {
  readonly #operations: readonly ApiOperation[];
  readonly #writes: readonly ApiOperation[];
  readonly #random: () => number;

  constructor(operations: readonly ApiOperation[], random: () => number) {
    this.#operations = operations;
    this.#writes = operations.filter(({ path }) => path.endsWith("/mutations"));
    this.#random = random;
  }

  next(known: FuzzKnowledge): FuzzRequest {
    const random = this.#random;
    const operation = random() < WRITES ? this.#pick(this.#writes) : this.#pick(this.#operations);
    const { headers, secrets } = this.#credentials(operation, known);
    const body = bodyFor(operation, known, random);
    const method =
      random() < 0.04
        ? this.#pick(["HEAD", "OPTIONS", "GET", "POST", "PUT", "DELETE", "PATCH"])
        : operation.method;
    return {
      operation,
      method,
      path: this.#path(operation),
      headers: [...headers, ...this.#otherHeaders(operation)],
      body: ["GET", "HEAD"].includes(method) ? null : (body?.bytes ?? null),
      chunked: random() < 0.1,
      secrets: [...secrets, ...(body?.secret === undefined ? [] : [body.secret])],
    };
  }

  #pick<T>(list: readonly T[]): T {
    const found = pick(list, this.#random);
    if (found === undefined) throw new Error("nothing to choose from");
    return found;
  }

  #path({ path, query }: ApiOperation): string {
    const random = this.#random;
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => this.#segment(name));
    const parameters: string[] = [];
    for (const name of query) {
      if (random() < 0.4) parameters.push(`${name}=${this.#parameter(name)}`);
      if (random() < 0.03) parameters.push(`${name}=${this.#parameter(name)}`);
    }
    if (random() < 0.05) parameters.push(`${encodeURIComponent(this.#pick(NASTY_TEXTS)).slice(0, 200)}=x`);
    const tail = random() < 0.02 ? this.#pick(["/", "//", "/x", "%2f", "%", "%ff", ";x", "/."]) : "";
    return `${filled}${tail}${parameters.length === 0 ? "" : `?${parameters.join("&")}`}`;
  }

  #segment(name: string): string {
    const isNasty = this.#random() < 0.15;
    const text = this.#pick(isNasty ? NASTY_TEXTS : (NAMES[name] ?? NASTY_TEXTS));
    return this.#random() < 0.02 ? this.#pick(["%ff", "%", "%u0041", "%c0%af", "%ed%a0%80"]) : encoded(text);
  }

  #parameter(name: string): string {
    return encoded(this.#pick(this.#random() < 0.3 ? NASTY_TEXTS : (PARAMETERS[name] ?? NASTY_TEXTS)));
  }

  #credentials(
    { access }: ApiOperation,
    known: FuzzKnowledge,
  ): Pick<FuzzRequest, "secrets"> & { headers: [string, string][] } {
    const luck = this.#random();
    if (access === "writer") {
      const { name, secret } = known.writer;
      if (luck < 0.75) return { headers: writerHeaders(name, secret), secrets: [secret] };
      if (luck < 0.8) return { headers: [], secrets: [] };
      const wrong = testSecret(`wrong-${Math.floor(luck * 1e6)}`);
      return { headers: writerHeaders(this.#headerText(name), wrong), secrets: [wrong] };
    }
    if (luck < 0.75) return bearer(known.adminToken);
    if (luck < 0.85) return bearer(this.#pick(known.otherTokens));
    if (luck < 0.9) return { headers: [], secrets: [] };
    const wrong = `${testSecret("token-")}${Math.floor(luck * 1e6)}`;
    const text = this.#pick([
      `Bearer ${wrong}`,
      `bearer   ${wrong}`,
      wrong,
      `Basic ${wrong}`,
      `Bearer\t${wrong}`,
      "Bearer",
    ]);
    return { headers: [["authorization", text]], secrets: [wrong] };
  }

  #headerText(usual: string): string {
    const text = this.#pick([usual, ...NASTY_TEXTS]);
    // Only what can stand in a header; the rest is for requests made of bytes.
    return Buffer.from(text)
      .toString("latin1")
      .replace(/[\u0000-\u001f\u007f]/g, "")
      .slice(0, 1_000);
  }

  #otherHeaders({ body }: ApiOperation): [string, string][] {
    const headers: [string, string][] = [];
    const types = [
      "application/json",
      "text/plain",
      "application/octet-stream",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "",
      "x",
    ];
    if (body !== null && this.#random() < 0.8) headers.push(["content-type", body.mediaType]);
    else if (this.#random() < 0.5) headers.push(["content-type", this.#pick(types)]);
    if (this.#random() < 0.05) headers.push([`x-${Math.floor(this.#random() * 1e6)}`, this.#headerText("x")]);
    if (this.#random() < 0.03)
      headers.push(
        this.#pick<[string, string]>([
          ["accept", "text/html"],
          ["accept-encoding", "br, zstd"],
          ["content-encoding", "gzip"],
          ["expect", "100-continue"],
          ["range", "bytes=0-1"],
          ["if-none-match", "*"],
          ["origin", "https://example.com"],
          ["upgrade", "websocket"],
          ["x-http-method-override", "DELETE"],
        ]),
      );
    return headers;
  }
}

function bearer(token: string): Pick<FuzzRequest, "secrets"> & { headers: [string, string][] } {
  return { headers: [["authorization", `Bearer ${token}`]], secrets: [token] };
}

function writerHeaders(name: string, secret: string): [string, string][] {
  return [
    ["ctlstore-writer", name],
    ["ctlstore-secret", secret],
  ];
}

function encoded(text: string): string {
  return encodeURIComponent(text.slice(0, 600));
}
