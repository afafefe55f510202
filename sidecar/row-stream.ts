/**
 * The body of a long answer: pieces of one held state, made as the client takes them.
 *
 * Nobody can keep the state held (R15): after a while what is left is taken into memory, within a budget that all answers
 * share, and the state is let go. Where that does not fit, and where something fails, the answer is broken off: its
 * chunked body has no end then, nor the array its bracket, so that no part is taken for the whole.
 */
import { CtlstoreError } from "../core/errors.ts";
import type { ByteBudget } from "../core/process/byte-budget.ts";
import { turnOfEventLoop } from "../core/process/turn.ts";
import type { RowPieces } from "./row-pieces.ts";

/** How an answer ended: sent whole, left by its client, or broken off. */
export type StreamOutcome = "whole" | "left" | "rest_too_large" | "too_slow" | "failed";

export interface RowStreamDeps {
  readonly pieces: RowPieces;
  /** Lets go of the state. Called once. */
  readonly release: () => void;
  readonly rest: ByteBudget;
  readonly onEnd: (outcome: StreamOutcome, reason?: unknown) => void;
}

export interface RowStreamLimits {
  readonly heldMs: number;
  readonly streamMs: number;
}

const encoder = new TextEncoder();

export class RowStream {
  readonly #deps: RowStreamDeps;
  readonly #heldTimer: NodeJS.Timeout;
  readonly #streamTimer: NodeJS.Timeout;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  /** Pieces that are ready, in order; the state is, or soon will be, let go. */
  readonly #ready: Uint8Array[] = [];
  #isHeld = true;
  #isOver = false;

  constructor(deps: RowStreamDeps, { heldMs, streamMs }: RowStreamLimits) {
    this.#deps = deps;
    this.#heldTimer = setTimeout(() => void this.#takeRest(), heldMs);
    this.#streamTimer = setTimeout(() => this.#breakOff("too_slow"), streamMs);
  }

  body(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: (controller) => this.#pull(controller),
        cancel: () => this.#end("left"),
      },
      // Nothing is made before it is asked for.
      { highWaterMark: 0 },
    );
  }

  /** Nobody is going to take the body. */
  leave(): void {
    this.#end("left");
  }

  #pull(controller: ReadableStreamDefaultController<Uint8Array>): void {
    if (this.#isOver) return;
    const ready = this.#ready.shift();
    if (ready !== undefined) {
      this.#deps.rest.release(ready.length);
      controller.enqueue(ready);
    } else {
      const piece = this.#make();
      if (piece === null) return;
      controller.enqueue(piece);
    }
    if (this.#ready.length > 0 || !this.#deps.pieces.isDone) return;
    controller.close();
    this.#end("whole");
  }

  /** Null when it could not be made, which ends the answer. */
  #make(): Uint8Array | null {
    try {
      const piece = encoder.encode(this.#deps.pieces.next());
      if (this.#deps.pieces.isDone) this.#letGo();
      return piece;
    } catch (error) {
      this.#breakOff("failed", error);
      return null;
    }
  }

  async #takeRest(): Promise<void> {
    while (!this.#isOver && !this.#deps.pieces.isDone) {
      const piece = this.#make();
      if (piece === null) return;
      if (!this.#deps.rest.hold(piece.length)) return this.#breakOff("rest_too_large");
      this.#ready.push(piece);
      // Others have their turn, the client that takes pieces among them.
      await turnOfEventLoop();
    }
  }

  #breakOff(outcome: StreamOutcome, reason?: unknown): void {
    if (this.#isOver) return;
    this.#controller?.error(new CtlstoreError("overloaded", `Cannot go on with the answer: ${outcome}`));
    this.#end(outcome, reason);
  }

  #end(outcome: StreamOutcome, reason?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#streamTimer);
    this.#letGo();
    for (const piece of this.#ready.splice(0)) this.#deps.rest.release(piece.length);
    this.#deps.onEnd(outcome, reason);
  }

  #letGo(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    clearTimeout(this.#heldTimer);
    this.#deps.pieces.stop();
    this.#deps.release();
  }
}
