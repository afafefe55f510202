/**
 * Bounds what answers hold that were made and not sent yet (I13): whoever asks for large pages and does not read them must
 * not cost more memory than there is for all such clients together.
 *
 * A counted answer is handed to the server piece by piece. The server asks for the next piece when the connection has taken
 * the last one, so that its end means "sent"; when the client goes, or is silent for too long, the server says so.
 */
import { CtlstoreError } from "../core/errors.ts";
import { INSPECTION_LIMITS } from "../core/limits.ts";

/** The routes with answers of up to megabytes, by pattern. */
export const COUNTED_ROUTES: ReadonlySet<string> = new Set([
  "/families/:family/tables/:table/rows",
  "/families/:family/tables/:table/row",
  "/families/:family/tables/:table/history",
  "/ledger",
]);

const PIECE_BYTES = INSPECTION_LIMITS.answerPieceBytes;

export class AnswerBudget {
  readonly #most: number;
  #held = 0;

  constructor(most: number = INSPECTION_LIMITS.answersBytes) {
    this.#most = most;
  }

  /** Bytes of answers under way. */
  get held(): number {
    return this.#held;
  }

  /** Before an answer is made. @throws CtlstoreError `overloaded` */
  assertRoom(): void {
    if (this.#held >= this.#most) throw this.#overloaded();
  }

  /**
   * The same answer, counted until it was sent.
   * @param client aborts when the client has gone
   * @throws CtlstoreError `overloaded`; then it is let fall
   */
  async count(answer: Response, client: AbortSignal): Promise<Response> {
    if (answer.body === null || answer.status !== 200) return answer;
    const bytes = await answer.bytes();
    const { status, headers } = answer;
    if (bytes.length <= INSPECTION_LIMITS.uncountedAnswerBytes)
      return new Response(bytes, { status, headers });
    if (this.#held + bytes.length > this.#most) throw this.#overloaded();
    return new Response(piecesOf(bytes, this.#hold(bytes.length, client)), { status, headers });
  }

  /** Returns what gives the bytes free again, once; the client's going does it, too. */
  #hold(bytes: number, client: AbortSignal): () => void {
    let isHeld = true;
    this.#held += bytes;
    const release = () => {
      client.removeEventListener("abort", release);
      if (isHeld) this.#held -= bytes;
      isHeld = false;
    };
    // A client that went before its answer came: the server does not even begin to read that.
    if (client.aborted) release();
    else client.addEventListener("abort", release);
    return release;
  }

  #overloaded(): CtlstoreError {
    return new CtlstoreError(
      "overloaded",
      `Cannot answer with a large page: ${this.#held} bytes of others were made and not taken yet`,
      { hint: "read each page before the next one, or ask for smaller ones", retryAfterSeconds: 1 },
    );
  }
}

function piecesOf(bytes: Uint8Array, ended: () => void): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        if (at >= bytes.length) {
          ended();
          controller.close();
          return;
        }
        controller.enqueue(bytes.subarray(at, at + PIECE_BYTES));
        at += PIECE_BYTES;
      },
      cancel: ended,
    },
    { highWaterMark: 0 },
  );
}
