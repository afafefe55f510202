/** One request on its way to its answer, and what every route needs for it. */
import { CtlstoreError } from "../core/errors.ts";
import { LISTEN_LIMITS, SIDECAR_LIMITS } from "../core/limits.ts";
import { bodyInPieces } from "../core/process/body-in-pieces.ts";
import type { ByteBudget } from "../core/process/byte-budget.ts";
import type { Clock } from "../core/process/clock.ts";
import type { Logger } from "../core/process/logger.ts";
import { type BodyBudget, readBody } from "../core/process/read-body.ts";
import type { StateFacts } from "../reader/stated/stated-reader.ts";
import type { LdbAccess } from "./ldb-access.ts";
import type { SidecarMeter } from "./metrics.ts";
import type { SidecarLimits } from "./options.ts";
import { parseReadParameters, type ReadParameters } from "./read-parameters.ts";
import type { SequenceWaits } from "./sequence-waits.ts";
import { assertFresh, matchesEtag, stateHeaders } from "./state-headers.ts";
import { type Turns, tooMuchHeld } from "./stream-budget.ts";

/** What all calls share. */
export interface CallContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly access: LdbAccess;
  readonly waits: SequenceWaits;
  readonly turns: Turns;
  readonly rest: ByteBudget;
  readonly bodies: BodyBudget;
  readonly meter: SidecarMeter;
  readonly limits: SidecarLimits;
  readonly maxRows: number;
}

export class Call {
  readonly context: CallContext;
  readonly request: Request;
  /** What stands behind the route's name in the path, decoded. */
  readonly names: readonly string[];
  readonly #query: string;
  #parameters: ReadParameters | null = null;
  #bodyBytes = 0;

  constructor(context: CallContext, request: Request, path: { names: readonly string[]; query: string }) {
    this.context = context;
    this.request = request;
    this.names = path.names;
    this.#query = path.query;
  }

  get parameters(): ReadParameters {
    this.#parameters ??= parseReadParameters(this.#query);
    return this.#parameters;
  }

  /** @throws CtlstoreError `request_too_large`, `request_timeout`, `overloaded`, `malformed_request` */
  async body(): Promise<Uint8Array> {
    const { limits, bodies } = this.context;
    const body = await readBody(this.request, limits.requestBytes, { requestMs: limits.requestMs, bodies });
    this.#bodyBytes = body.length;
    return body;
  }

  /**
   * Waits for the sequence that the read asks for, if any. What it asks for is held meanwhile, and counted as its body was.
   * @throws CtlstoreError `wait_timeout`, `overloaded`
   */
  async sequenceReached(): Promise<void> {
    const { minSequence, timeoutMs } = this.parameters;
    if (minSequence === null) return;
    const sequence = sequenceOf(this.context.access);
    if (sequence !== null && sequence >= minSequence) return;
    const { waits, bodies } = this.context;
    const heldBytes = this.#bodyBytes > LISTEN_LIMITS.uncountedBodyBytes ? this.#bodyBytes : 0;
    bodies.hold(heldBytes);
    try {
      await waits.until({ sequence: minSequence, timeoutMs, signal: this.request.signal });
    } finally {
      bodies.release(heldBytes);
    }
  }

  /** The answer, of one state, to a client that has none of this state yet. @throws CtlstoreError `too_stale`, `overloaded` */
  answer(facts: StateFacts, body: string | ReadableStream<Uint8Array>): Response {
    const headers = this.#headersOf(facts);
    if (this.hasAnswerOf(facts)) return notModified(headers);
    return new Response(typeof body === "string" ? this.#counted(body) : body, { headers });
  }

  /** A client that asks for much and takes nothing must not cost more than there is for all such clients (I13). */
  #counted(text: string): string | ReadableStream<Uint8Array> {
    const { limits, rest } = this.context;
    if (text.length <= limits.uncountedAnswerBytes) return text;
    const bytes = encoder.encode(text);
    if (!rest.hold(bytes.length)) throw tooMuchHeld();
    const pieceBytes = SIDECAR_LIMITS.answerPieceBytes;
    const onEnd = () => rest.release(bytes.length);
    return bodyInPieces(bytes, { pieceBytes, client: this.request.signal, onEnd });
  }

  /** @throws CtlstoreError `too_stale` */
  notFound(facts: StateFacts): Response {
    const headers = this.#headersOf(facts);
    delete headers["content-type"];
    headers["x-ctlstore"] = "Not Found";
    return new Response(null, { status: 404, headers });
  }

  /** True when the client said that it has the answer of this state. */
  hasAnswerOf(facts: StateFacts): boolean {
    return matchesEtag(this.request.headers.get("if-none-match"), facts);
  }

  /** @throws CtlstoreError `too_stale` */
  assertFreshEnough(facts: StateFacts): void {
    const { maxStalenessSeconds } = this.parameters;
    if (maxStalenessSeconds !== null) assertFresh(facts, maxStalenessSeconds, this.context.clock.nowUs());
  }

  #headersOf(facts: StateFacts): Record<string, string> {
    this.assertFreshEnough(facts);
    return stateHeaders(facts, this.context.clock.nowUs());
  }
}

const encoder = new TextEncoder();

function notModified(headers: Record<string, string>): Response {
  delete headers["content-type"];
  return new Response(null, { status: 304, headers });
}

/** The LDB's sequence; null while it cannot be told. */
export function sequenceOf(access: LdbAccess): bigint | null {
  try {
    return factsOf(access).sequence;
  } catch (error) {
    if (error instanceof CtlstoreError) return null;
    throw error;
  }
}

/** @throws CtlstoreError when the LDB cannot be read */
export function factsOf(access: LdbAccess): StateFacts {
  return access.reader.inOneState(({ facts }) => facts);
}
