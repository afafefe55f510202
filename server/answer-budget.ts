/**
 * Bounds what answers hold that were made and not sent yet (I13): whoever asks for large pages and does not read them must
 * not cost more memory than there is for all such clients together.
 */
import { CtlstoreError } from "../core/errors.ts";
import { INSPECTION_LIMITS } from "../core/limits.ts";
import { bodyInPieces } from "../core/process/body-in-pieces.ts";
import { ByteBudget } from "../core/process/byte-budget.ts";

/** The routes with answers of up to megabytes, by pattern. */
export const COUNTED_ROUTES: ReadonlySet<string> = new Set([
  "/families/:family/tables/:table/rows",
  "/families/:family/tables/:table/row",
  "/families/:family/tables/:table/history",
  "/ledger",
]);

export class AnswerBudget {
  readonly #budget: ByteBudget;

  constructor(most: number = INSPECTION_LIMITS.answersBytes) {
    this.#budget = new ByteBudget(most);
  }

  /** Bytes of answers under way. */
  get held(): number {
    return this.#budget.held;
  }

  /** Before an answer is made. @throws CtlstoreError `overloaded` */
  assertRoom(): void {
    if (this.#budget.room <= 0) throw this.#overloaded();
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
    if (!this.#budget.hold(bytes.length)) throw this.#overloaded();
    const onEnd = () => this.#budget.release(bytes.length);
    const pieceBytes = INSPECTION_LIMITS.answerPieceBytes;
    return new Response(bodyInPieces(bytes, { pieceBytes, client, onEnd }), { status, headers });
  }

  #overloaded(): CtlstoreError {
    return new CtlstoreError(
      "overloaded",
      `Cannot answer with a large page: ${this.held} bytes of others were made and not taken yet`,
      { hint: "read each page before the next one, or ask for smaller ones", retryAfterSeconds: 1 },
    );
  }
}
