/** Tells whoever follows changes through a reader that it was closed. (On Node 20 a signal warns of more than ten listeners.) */

export class EndOfReader {
  readonly #tell = new Set<() => void>();
  #error: Error | null = null;

  /** @throws what the reader was closed with */
  throwIfClosed(): void {
    if (this.#error !== null) throw this.#error;
  }

  /** Calls back when the reader is closed, unless that is forgotten before. */
  onClose(tell: () => void): void {
    this.#tell.add(tell);
  }

  forget(tell: () => void): void {
    this.#tell.delete(tell);
  }

  /** @param error what those who go on are told */
  close(error: Error): void {
    this.#error = error;
    for (const tell of this.#tell) tell();
    this.#tell.clear();
  }
}
