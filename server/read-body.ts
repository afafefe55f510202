/**
 * Reads a request's body up to a limit (I13).
 *
 * A declared length is refused before a byte is read; a chunked body is read piece by piece and refused at the first
 * byte too many, so that nobody can make the Executive hold more than the limit.
 */
import { CtlstoreError } from "../core/errors.ts";

const EMPTY = new Uint8Array();

/** @throws CtlstoreError `request_too_large`, `malformed_request` (the connection broke) */
export async function readBody(request: Request, limitBytes: number): Promise<Uint8Array> {
  assertDeclaredLength(request, limitBytes);
  if (request.body === null) return EMPTY;
  try {
    // A declared length is all that the server lets through, so it need not be counted again.
    if (request.headers.has("content-length")) return await request.bytes();
    return await readPieces(request.body, limitBytes);
  } catch (cause) {
    if (cause instanceof CtlstoreError) throw cause;
    throw new CtlstoreError(
      "malformed_request",
      "Cannot read the body: the connection broke before its end",
      { cause },
    );
  }
}

/** @throws CtlstoreError `request_too_large` */
export function assertDeclaredLength(request: Request, limitBytes: number): void {
  const declared = request.headers.get("content-length");
  if (declared !== null && Number(declared) > limitBytes) throw tooLarge(limitBytes);
}

async function readPieces(body: ReadableStream<Uint8Array>, limitBytes: number): Promise<Uint8Array> {
  const reader = body.getReader();
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > limitBytes) {
      await reader.cancel();
      throw tooLarge(limitBytes);
    }
    pieces.push(value);
  }
  return pieces.length === 1 ? (pieces[0] ?? EMPTY) : Buffer.concat(pieces, length);
}

function tooLarge(limitBytes: number): CtlstoreError {
  return new CtlstoreError(
    "request_too_large",
    `Cannot take the body: it is larger than ${limitBytes} bytes`,
  );
}
