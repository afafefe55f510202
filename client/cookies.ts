/** Cookies of batches whose caller has none of its own. */

/** Cookies that no other batch ever had: a random name of this Writer and a counter. */
export class MadeCookies {
  readonly #name = crypto.randomUUID();
  #count = 0;

  next(): Uint8Array {
    this.#count += 1;
    return new TextEncoder().encode(`${this.#name}/${this.#count}`);
  }
}

export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, i) => byte === right[i]);
}
