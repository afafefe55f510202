/** Reads from a slow source while a slow sink still works on what came before, up to so many bytes (I13). */

/** Joins small chunks, so that each costs its share of calls only once. */
export async function* joined(source: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  for await (const chunk of source) {
    waiting.push(chunk);
    waitingBytes += chunk.length;
    if (waitingBytes < bytes) continue;
    yield Buffer.concat(waiting);
    waiting = [];
    waitingBytes = 0;
  }
  if (waitingBytes > 0) yield Buffer.concat(waiting);
}

/** The same chunks; up to `bytes` of them wait here. What the source throws comes after the chunks before it. */
export async function* readAhead(
  source: AsyncIterable<Uint8Array>,
  bytes: number,
): AsyncGenerator<Uint8Array> {
  const queue = new ChunkQueue(bytes);
  const filling = fill(source, queue);
  try {
    for (;;) {
      const chunk = await queue.take();
      if (chunk === null) break;
      yield chunk;
    }
  } finally {
    queue.close();
    await filling;
  }
}

async function fill(source: AsyncIterable<Uint8Array>, queue: ChunkQueue): Promise<void> {
  try {
    for await (const chunk of source) {
      if (!(await queue.put(chunk))) return; // nobody reads any more
    }
    queue.end(null);
  } catch (error) {
    queue.end({ error });
  }
}

class ChunkQueue {
  readonly #mostBytes: number;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #closed = false;
  #ended: { readonly error: unknown } | "well" | null = null;
  #changed = Promise.withResolvers<void>();

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** Waits for room; false when the reader has gone. */
  async put(chunk: Uint8Array): Promise<boolean> {
    while (!this.#closed && this.#bytes >= this.#mostBytes) await this.#changed.promise;
    if (this.#closed) return false;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.#wake();
    return true;
  }

  end(failure: { readonly error: unknown } | null): void {
    this.#ended = failure ?? "well";
    this.#wake();
  }

  /** The next chunk; null at the end. @throws what the source threw */
  async take(): Promise<Uint8Array | null> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#bytes -= chunk.length;
        this.#wake();
        return chunk;
      }
      if (this.#ended === "well") return null;
      if (this.#ended !== null) throw this.#ended.error;
      await this.#changed.promise;
    }
  }

  close(): void {
    this.#closed = true;
    this.#chunks = [];
    this.#wake();
  }

  #wake(): void {
    const changed = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    changed.resolve();
  }
}
