/**
 * Reads a request's body up to a limit of bytes and of time (I13).
 *
 * A declared length is refused before a byte is read; a chunked body is read piece by piece and refused at the first
 * byte too many, so that nobody can make a service hold more than the limit. Nor can anybody hold it for longer: a byte
 * now and then does not move the deadline. And all that are being read together have a budget.
 */
import { CtlstoreError } from "../errors.ts";
import { LISTEN_LIMITS } from "../limits.ts";
import { ByteBudget } from "./byte-budget.ts";

const EMPTY = new Uint8Array();

/** The bytes that a service holds of bodies whose end has not come. */
export class BodyBudget {
  readonly #budget: ByteBudget;

  constructor(most: number = LISTEN_LIMITS.bodiesBytes) {
    this.#budget = new ByteBudget(most);
  }

  /** @throws CtlstoreError `overloaded`; then nothing is held for it */
  hold(bytes: number): void {
    if (this.#budget.hold(bytes)) return;
    throw new CtlstoreError(
      "overloaded",
      `Cannot take the body: others under way hold ${this.#budget.held} bytes already`,
    );
  }

  release(bytes: number): void {
    this.#budget.release(bytes);
  }
}

export interface BodyLimits {
  /** From now to the last byte. */
  readonly requestMs: number;
  readonly bodies: BodyBudget;
}

/** @throws CtlstoreError `request_too_large`, `request_timeout`, `overloaded`, `malformed_request` (the connection broke) */
export async function readBody(
  request: Request,
  limitBytes: number,
  { requestMs, bodies }: BodyLimits,
): Promise<Uint8Array> {
  assertDeclaredLength(request, limitBytes);
  if (request.body === null) return EMPTY;
  try {
    // A declared length is all that the server lets through, so it need not be counted again.
    if (isSmall(request)) return await within(requestMs, request.bytes());
    return await readPieces(request.body, { limitBytes, requestMs, bodies });
  } catch (cause) {
    if (cause instanceof CtlstoreError) throw cause;
    throw new CtlstoreError(
      "malformed_request",
      "Cannot read the body: the connection broke before its end",
      { cause },
    );
  }
}

/** @throws CtlstoreError `request_too_large` */
export function assertDeclaredLength(request: Request, limitBytes: number): void {
  const declared = request.headers.get("content-length");
  if (declared !== null && Number(declared) > limitBytes) throw tooLarge(limitBytes);
}

function isSmall(request: Request): boolean {
  const declared = request.headers.get("content-length");
  return declared !== null && Number(declared) <= LISTEN_LIMITS.uncountedBodyBytes;
}

interface PieceLimits extends BodyLimits {
  readonly limitBytes: number;
}

async function readPieces(body: ReadableStream<Uint8Array>, limits: PieceLimits): Promise<Uint8Array> {
  const reader = body.getReader();
  const pieces = new Pieces(limits);
  try {
    return await within(limits.requestMs, pieces.collect(reader));
  } catch (error) {
    // Not awaited: of a connection that broke, or that is slow, there may be no end.
    reader.cancel().catch(() => {});
    throw error;
  } finally {
    pieces.release();
  }
}

class Pieces {
  readonly #limits: PieceLimits;
  #length = 0;
  /** Set once nobody waits for them any more; what comes then is not counted. */
  #isReleased = false;

  constructor(limits: PieceLimits) {
    this.#limits = limits;
  }

  async collect(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array> {
    const { limitBytes, bodies } = this.#limits;
    const pieces: Uint8Array[] = [];
    for (;;) {
      const { done, value } = await reader.read();
      if (done || this.#isReleased) break;
      if (this.#length + value.length > limitBytes) throw tooLarge(limitBytes);
      bodies.hold(value.length);
      this.#length += value.length;
      pieces.push(value);
    }
    return pieces.length === 1 ? (pieces[0] ?? EMPTY) : Buffer.concat(pieces, this.#length);
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#limits.bodies.release(this.#length);
  }
}

function within<T>(ms: number, reading: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    // After it `reading` fails as well, or never ends: nobody waits for it any more.
    const timer = setTimeout(() => reject(tooSlow(ms)), ms);
    reading.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function tooLarge(limitBytes: number): CtlstoreError {
  return new CtlstoreError(
    "request_too_large",
    `Cannot take the body: it is larger than ${limitBytes} bytes`,
  );
}

function tooSlow(ms: number): CtlstoreError {
  return new CtlstoreError("request_timeout", `Cannot take the body: it did not arrive within ${ms} ms`);
}
