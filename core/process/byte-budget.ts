/** Bytes that many share: what they hold together has a bound (I13). */
export class ByteBudget {
  readonly #most: number;
  #held = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get held(): number {
    return this.#held;
  }

  /** Bytes that still fit. */
  get room(): number {
    return this.#most - this.#held;
  }

  /** False when they do not fit; then nothing is held for them. */
  hold(bytes: number): boolean {
    if (this.#held + bytes > this.#most) return false;
    this.#held += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#held -= bytes;
  }
}
