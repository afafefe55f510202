/** Reads that wait until the LDB holds a sequence: one look at the LDB for all of them. */
import { CtlstoreError } from "../core/errors.ts";
import { SIDECAR_LIMITS } from "../core/limits.ts";
import type { Clock } from "../core/process/clock.ts";

interface Wait {
  readonly sequence: bigint;
  readonly deadlineMs: number;
  /** Null when it was reached. */
  readonly end: (error: unknown) => void;
}

export interface SequenceWaitsDeps {
  readonly clock: Clock;
  /** The LDB's sequence, or null while it cannot be told. */
  readonly sequence: () => bigint | null;
}

export interface WaitOptions {
  readonly sequence: bigint;
  readonly timeoutMs: number;
  /** Aborted when nobody waits any more. */
  readonly signal: AbortSignal;
}

export class SequenceWaits {
  readonly #deps: SequenceWaitsDeps;
  readonly #most: number;
  readonly #waits = new Set<Wait>();
  #timer: NodeJS.Timeout | null = null;
  #isStopped = false;

  constructor(deps: SequenceWaitsDeps, most: number) {
    this.#deps = deps;
    this.#most = most;
  }

  get count(): number {
    return this.#waits.size;
  }

  /**
   * Resolves when the LDB has been seen at this sequence or beyond.
   * @throws CtlstoreError `wait_timeout`, `overloaded`; `malformed_request` when who waited has left
   */
  until({ sequence, timeoutMs, signal }: WaitOptions): Promise<void> {
    if (this.#isStopped) throw stopping();
    if (this.#waits.size >= this.#most)
      throw new CtlstoreError("overloaded", `Cannot wait for a sequence: ${this.#most} reads wait already`);
    return new Promise((resolve, reject) => {
      const deadlineMs = this.#deps.clock.monotonicMs() + timeoutMs;
      const wait: Wait = {
        sequence,
        deadlineMs,
        end: (error) => {
          this.#waits.delete(wait);
          signal.removeEventListener("abort", onAbort);
          if (error === null) resolve();
          else reject(error);
        },
      };
      // Nobody gets it; and nothing of ours failed.
      const onAbort = () => wait.end(hasLeft());
      if (signal.aborted) return reject(hasLeft());
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waits.add(wait);
      this.#timer ??= setTimeout(() => this.#look(), 0);
    });
  }

  /** Ends all waits, and has no others. */
  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const wait of [...this.#waits]) wait.end(stopping());
  }

  #look(): void {
    let sequence: bigint | null;
    try {
      sequence = this.#deps.sequence();
    } catch (error) {
      // A defect: those who wait are to know of it, and nobody else is there to catch it.
      for (const wait of [...this.#waits]) wait.end(error);
      this.#timer = null;
      return;
    }
    const nowMs = this.#deps.clock.monotonicMs();
    for (const wait of [...this.#waits]) {
      if (sequence !== null && sequence >= wait.sequence) wait.end(null);
      else if (nowMs >= wait.deadlineMs) wait.end(timedOut(wait.sequence, sequence));
    }
    this.#timer = this.#waits.size === 0 ? null : setTimeout(() => this.#look(), SIDECAR_LIMITS.waitLookMs);
  }
}

function stopping(): CtlstoreError {
  return new CtlstoreError("overloaded", "Cannot wait for a sequence: the sidecar is stopping");
}

function hasLeft(): CtlstoreError {
  return new CtlstoreError("malformed_request", "Cannot wait for a sequence: the connection broke");
}

function timedOut(wanted: bigint, sequence: bigint | null): CtlstoreError {
  const state = sequence === null ? "cannot be read" : `is at ${sequence}`;
  return new CtlstoreError("wait_timeout", `Cannot wait longer for sequence ${wanted}: the LDB ${state}`, {
    sequence: wanted,
    hint: "?timeout= is how long to wait, up to a minute",
  });
}
