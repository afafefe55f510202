/**
 * Transactions that went lately. When events of one come again, a connector that was killed sends its last events once more:
 * perhaps not all of them, so that nobody waits long for the others.
 */
import { TRANSACTION_LIMITS } from "../../core/limits.ts";

export class GoneTransactions {
  readonly #ids = new Set<string>();

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  add(id: string): void {
    this.#ids.delete(id);
    this.#ids.add(id);
    if (this.#ids.size <= TRANSACTION_LIMITS.gone) return;
    for (const oldest of this.#ids) {
      this.#ids.delete(oldest);
      return;
    }
  }
}
