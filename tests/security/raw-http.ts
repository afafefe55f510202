/** HTTP as bytes on a socket: for requests that no client would send. */
import { connect } from "node:net";

export interface RawAnswer {
  /** Of the first answer; null when the connection ended without one. */
  readonly status: number | null;
  readonly text: string;
}

export interface RawOptions {
  /** Says after the bytes that no more will come, and still reads. */
  readonly halfClose?: boolean;
}

const DEADLINE_MS = 10_000;

/**
 * Sends the bytes and reads until the other side closes or has answered. What is sent should ask for `connection: close`,
 * unless it is so broken that the server closes by itself.
 */
export function rawRequest(
  url: string,
  bytes: string | Uint8Array,
  { halfClose = false }: RawOptions = {},
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let received = "";
    const socket = connect({ host: hostname, port: Number(port) });
    const end = () => {
      clearTimeout(timer);
      socket.destroy();
      const status = /^HTTP\/1\.[01] (\d{3})/.exec(received)?.[1];
      resolve({ status: status === undefined ? null : Number(status), text: received });
    };
    const timer = setTimeout(() => {
      socket.destroy();
      reject(
        new Error(`no answer within ${DEADLINE_MS} ms to ${JSON.stringify(String(bytes).slice(0, 200))}`),
      );
    }, DEADLINE_MS);
    socket.setEncoding("latin1");
    socket.on("data", (data) => {
      // What only says that the answer is still to come is none.
      received = (received + data).replace(/^(?:HTTP\/1\.1 1\d\d[^\r]*\r\n\r\n)+/, "");
      if (isWhole(received)) end();
    });
    socket.on("close", end);
    socket.on("error", end); // it may close before it has read all
    if (halfClose) socket.end(bytes);
    else socket.write(bytes);
  });
}

/** True when the answer says how long it is and is all there. */
function isWhole(received: string): boolean {
  const headEnd = received.indexOf("\r\n\r\n");
  if (headEnd < 0) return false;
  const head = received.slice(0, headEnd);
  if (/^HTTP\/1\.[01] (?:204|304)/.test(head)) return true;
  const length = /^content-length: *(\d+)/im.exec(head)?.[1];
  return length !== undefined && received.length >= headEnd + 4 + Number(length);
}
