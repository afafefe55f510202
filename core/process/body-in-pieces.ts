/**
 * The body of an answer that is known as a whole, handed to the server piece by piece, so that its maker learns when it is no
 * longer held: the server asks for the next piece when the connection has taken the last one, and says when the client
 * has gone or is silent for too long.
 */

export interface BodyInPiecesOptions {
  readonly pieceBytes: number;
  /** Aborts when the client has gone. */
  readonly client: AbortSignal;
  /** Called once: it was sent, or nobody takes it any more. */
  readonly onEnd: () => void;
}

export function bodyInPieces(
  bytes: Uint8Array,
  { pieceBytes, client, onEnd }: BodyInPiecesOptions,
): ReadableStream<Uint8Array> {
  const end = once(client, onEnd);
  let at = 0;
  return new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        if (at >= bytes.length) {
          end();
          controller.close();
          return;
        }
        controller.enqueue(bytes.subarray(at, at + pieceBytes));
        at += pieceBytes;
      },
      cancel: end,
    },
    // Nothing is taken before it is asked for.
    { highWaterMark: 0 },
  );
}

/** What ends it, once; the client's going does so too. */
function once(client: AbortSignal, onEnd: () => void): () => void {
  let isOver = false;
  const end = () => {
    client.removeEventListener("abort", end);
    if (!isOver) onEnd();
    isOver = true;
  };
  // A client that went before its answer came: the server does not even begin to read that.
  if (client.aborted) end();
  else client.addEventListener("abort", end);
  return end;
}
