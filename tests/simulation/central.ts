/** The central side of a simulated world: one ctldb, two Executives on it, and an auditor of its ledger. */
import { createHash } from "node:crypto";
import type { ErrorCode } from "../../core/errors.ts";
import type { LedgerSource } from "../../core/ledger/entry.ts";
import { systemClock } from "../../core/process/clock.ts";
import { silentLogger } from "../../core/process/logger.ts";
import { createMetrics } from "../../core/process/metrics.ts";
import { SEQUENCE_ZERO, type Sequence } from "../../core/sequence.ts";
import type { CtlDb } from "../../ctldb/contract.ts";
import { openCtlDb, openLedgerSource } from "../../ctldb/open.ts";
import { createApp } from "../../server/app.ts";
import type { Door } from "./steps.ts";

const ADMIN_TOKEN = "s3cr3t-simulation";
const DEPS = { logger: silentLogger, clock: systemClock };

export type Answer =
  | { readonly ok: true; readonly body: Readonly<Record<string, unknown>> }
  | {
      readonly ok: false;
      readonly code: ErrorCode;
      readonly index: number | undefined;
      readonly text: string;
    };

export interface SentRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Executive {
  readonly ctldb: CtlDb;
  handle(request: Request): Promise<Response> | Response;
}

export class Central implements AsyncDisposable {
  readonly url: string;
  /** Looks for the connections to the ctldb; what it returns cuts them. Null where there are none. */
  readonly prepareCut: (() => Promise<() => Promise<void>>) | null;
  readonly #executives: [Executive, Executive];

  private constructor(url: string, executives: [Executive, Executive], prepareCut: Central["prepareCut"]) {
    this.url = url;
    this.#executives = executives;
    this.prepareCut = prepareCut;
  }

  static async open(url: string, prepareCut: Central["prepareCut"]): Promise<Central> {
    return new Central(url, [await openExecutive(url), await openExecutive(url)], prepareCut);
  }

  async request(door: Door, { method, path, body, headers }: SentRequest): Promise<Answer> {
    const response = await this.#executives[door].handle(
      new Request(`http://localhost${path}`, {
        method,
        headers: { authorization: `Bearer ${ADMIN_TOKEN}`, ...headers },
        ...(body === undefined ? {} : { body }),
      }),
    );
    const text = await response.text();
    // Answers without a body, such as the one to a new family, are an empty object here.
    const parsed = text === "" ? {} : JSON.parse(text);
    if (response.status === 200) return { ok: true, body: parsed };
    return { ok: false, code: parsed.error?.code, index: parsed.error?.index, text };
  }

  async readCookie(door: Door, headers: Readonly<Record<string, string>>): Promise<string> {
    const response = await this.#executives[door].handle(new Request("http://localhost/cookie", { headers }));
    return Buffer.from(await response.arrayBuffer()).toString("base64");
  }

  async headSequence(door: Door): Promise<bigint> {
    return (await this.#executives[door].ctldb.status()).headSequence;
  }

  /** As a restart of one Executive. */
  async reopen(door: Door): Promise<void> {
    await this.#executives[door].ctldb[Symbol.asyncDispose]();
    this.#executives[door] = await openExecutive(this.url);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { ctldb } of this.#executives) await ctldb[Symbol.asyncDispose]();
  }
}

async function openExecutive(url: string): Promise<Executive> {
  const ctldb = await openCtlDb(url, DEPS);
  const app = createApp(
    { ctldb, metrics: createMetrics(), ...DEPS },
    { adminToken: ADMIN_TOKEN, destructiveSchemaChanges: true },
  );
  return { ctldb, handle: (request) => app.handle(request) };
}

/**
 * Follows the ledger from its origin and recomputes every link (I1, I6, I14), with nothing of `core/ledger/chain.ts`.
 */
export class LedgerAuditor implements AsyncDisposable {
  readonly #source: LedgerSource;
  #sequence: Sequence = SEQUENCE_ZERO;
  #hash: Buffer | null = null;
  #isInside = false;

  constructor(url: string) {
    this.#source = openLedgerSource(url, DEPS);
  }

  /** @throws Error naming the first entry that is not what it must be; returns the head */
  async audit(): Promise<bigint> {
    let previous = this.#hash ?? Buffer.from((await this.#source.describe()).origin);
    for (;;) {
      const block = await this.#source.poll(this.#sequence, 1_000);
      for (const { sequence, timestampUs, statement, hash } of block.entries) {
        const fault = (what: string) => new Error(`ledger entry ${sequence} ${statement}: ${what}`);
        if (sequence !== this.#sequence + 1n) throw fault(`follows ${this.#sequence}`);
        const numbers = Buffer.alloc(16);
        numbers.writeBigUInt64BE(sequence, 0);
        numbers.writeBigUInt64BE(BigInt(timestampUs), 8);
        const link = createHash("sha256").update(previous).update(numbers).update(statement).digest();
        if (hash === null || !link.equals(hash))
          throw fault("its hash does not follow from what is before it");
        if (statement === "--- BEGIN" || statement === "--- COMMIT") {
          const begins = statement === "--- BEGIN";
          if (begins === this.#isInside) throw fault("unbalanced");
          this.#isInside = begins;
        }
        this.#sequence = sequence;
        this.#hash = link;
        previous = link;
      }
      if (!block.more) break;
    }
    if (this.#isInside) throw new Error("the ledger ends inside a transaction");
    return this.#sequence;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source[Symbol.asyncDispose]();
  }
}
