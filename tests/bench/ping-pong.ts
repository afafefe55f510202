/** Requests and answers over kept-open connections, each waiting for its answer: how long each took. */

/** How many bytes at the beginning are a whole answer; 0 while it is not all there. */
export type WholeAnswer = (received: Buffer) => number;

export interface PingPong {
  readonly address: { readonly hostname: string; readonly port: number } | { readonly unix: string };
  /** Request number i, ready to be sent. */
  readonly request: (i: number) => Uint8Array;
  readonly whole: WholeAnswer;
}

/** Microseconds of each request. */
export async function latencies(
  { address, request, whole }: PingPong,
  { connections, requests }: { readonly connections: number; readonly requests: number },
): Promise<Float64Array> {
  const micros = new Float64Array(requests);
  let next = 0;
  const talk = () =>
    new Promise<void>((resolve, reject) => {
      let sentAt = 0;
      let current = 0;
      let received: Buffer = Buffer.alloc(0);
      /** What is no answer ends the measuring; thrown here it would be lost. */
      const lengthOf = (bytes: Buffer, socket: { end(): void }): number => {
        try {
          return whole(bytes);
        } catch (error) {
          reject(error);
          socket.end();
          return 0;
        }
      };
      const send = (socket: { write(bytes: Uint8Array): number; end(): void }) => {
        if (next >= requests) {
          resolve();
          socket.end();
          return;
        }
        current = next;
        next += 1;
        sentAt = Bun.nanoseconds();
        socket.write(request(current));
      };
      Bun.connect({
        ...address,
        socket: {
          open: send,
          data(socket, data) {
            received = received.length === 0 ? data : Buffer.concat([received, data]);
            const length = lengthOf(received, socket);
            if (length === 0) return;
            micros[current] = (Bun.nanoseconds() - sentAt) / 1000;
            received = received.subarray(length);
            send(socket);
          },
          error: (_, error) => reject(error),
          // Without effect at the end of the measuring, which is settled by then.
          close: () => reject(new Error("the connection was closed before its answer came")),
          connectError: (_, error) => reject(error),
        },
      } as Parameters<typeof Bun.connect>[0]).catch(reject);
    });
  await Promise.all(Array.from({ length: connections }, talk));
  return micros;
}

const HEAD_END = Buffer.from("\r\n\r\n");
const LENGTH = /\r\ncontent-length: *(\d+)/i;

/** Of HTTP with a declared length. */
export const wholeHttpAnswer: WholeAnswer = (received) => {
  const end = received.indexOf(HEAD_END);
  if (end < 0) return 0;
  const head = received.toString("latin1", 0, end);
  if (!head.startsWith("HTTP/1.1 200")) throw new Error(`no answer to measure: ${head}`);
  const length = end + 4 + Number(LENGTH.exec(head)?.[1]);
  return received.length >= length ? length : 0;
};

/** Of Redis: `$<length>`, the bytes, and a line's end after each. */
export const wholeRedisAnswer: WholeAnswer = (received) => {
  const end = received.indexOf("\r\n");
  if (end < 0) return 0;
  if (received[0] !== 0x24 || received[1] === 0x2d)
    throw new Error(`no answer to measure: ${received.toString("latin1", 0, 80)}`);
  const length = end + 2 + Number(received.toString("latin1", 1, end)) + 2;
  return received.length >= length ? length : 0;
};

export function httpPost(path: string, body: string): Uint8Array {
  const head = `POST ${path} HTTP/1.1\r\nHost: sidecar\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
  return Buffer.from(head + body);
}

export function redisCommand(...words: readonly string[]): Uint8Array {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return Buffer.from(`*${words.length}\r\n${parts.join("")}`);
}
