/**
 * The body of an answer, watched: it ends with an error when it stalls, is cut off, or is asked to.
 *
 * The SDK's own limits end with the answer's headers, and a connection that goes silent later would be waited for
 * without end.
 */
import type { Readable } from "node:stream";
import { CtlstoreError } from "../../../core/errors.ts";

export interface BodyOptions {
  readonly expectedBytes: number;
  readonly stallMs: number;
  readonly signal: AbortSignal;
  /** What is read, for messages: `"snapshots/1.ldb.zst" of s3://bucket`. */
  readonly what: string;
}

/**
 * Also a body that nobody reads is ended, after the time of a stall.
 * @throws CtlstoreError `snapshot_store_unavailable`, or the signal's reason
 */
export function watchBody(stream: Readable, options: BodyOptions): AsyncIterable<Uint8Array> {
  const { expectedBytes, stallMs, signal, what } = options;
  const unavailable = (state: string) =>
    new CtlstoreError("snapshot_store_unavailable", `Cannot read ${what} to its end: ${state}`);
  const end = (error: unknown) => stream.destroy(error instanceof Error ? error : new Error(String(error)));
  const onStall = () => end(unavailable(`nothing came for ${stallMs} ms`));
  const onAbort = () => end(signal.reason);
  let stall = setTimeout(onStall, stallMs);
  stream.on("error", () => {}); // told to whoever reads; without a reader nobody needs to know
  signal.addEventListener("abort", onAbort, { once: true });
  stream.once("close", () => {
    clearTimeout(stall);
    signal.removeEventListener("abort", onAbort);
  });
  return (async function* () {
    let received = 0;
    try {
      for await (const chunk of stream as AsyncIterable<Uint8Array>) {
        clearTimeout(stall); // the time that the reader takes is its own
        received += chunk.length;
        yield chunk;
        stall = setTimeout(onStall, stallMs);
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof CtlstoreError) throw error;
      throw unavailable(error instanceof Error ? error.message : String(error));
    } finally {
      clearTimeout(stall);
      stream.destroy();
    }
    signal.throwIfAborted();
    if (received !== expectedBytes) throw unavailable(`it ended after ${received} of ${expectedBytes} bytes`);
  })();
}
