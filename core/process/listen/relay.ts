/**
 * One connection of a front, passed on byte for byte to the server behind, both ways, no faster than the other side takes
 * it.
 *
 * The way in is a socket of Bun's own: a server that refuses a body answers and closes while more of it comes. Node's
 * sockets fail on the write then, and what could still be read, the answer, is gone with them.
 */
import type { Socket } from "node:net";
import { LISTEN_LIMITS } from "../../limits.ts";

type Inner = Bun.Socket<undefined>;

/** Passes a client's connection on to the server at `path`. */
export function relay(client: Socket, path: string): void {
  const link = new Relay(client);
  // Until there is somebody to give it to, nothing is read of what the client sends.
  client.pause();
  Bun.connect({ unix: path, socket: link.inwards }).catch(() => link.leave());
}

class Relay {
  readonly #client: Socket;
  #inner: Inner | null = null;
  /** What the server could not take yet; the client waits meanwhile. */
  #rest: Uint8Array | null = null;
  #isLeaving = false;

  constructor(client: Socket) {
    this.#client = client;
    client.setNoDelay(true);
    client.on("data", (bytes: Buffer) => this.#passIn(bytes));
    client.on("drain", () => this.#inner?.resume());
    client.once("end", () => this.#inner?.end());
    client.once("error", () => client.destroy());
    client.once("close", () => this.#inner?.terminate());
  }

  readonly inwards: Bun.SocketHandler<undefined> = {
    open: (inner) => {
      if (this.#client.destroyed) {
        inner.terminate();
        return;
      }
      this.#inner = inner;
      // A client that left without a word has ended before there was somebody to tell.
      if (this.#client.readableEnded) inner.end();
      else this.#client.resume();
    },
    data: (inner, bytes) => {
      if (!this.#client.write(bytes)) inner.pause();
    },
    drain: () => {
      const rest = this.#rest;
      this.#rest = null;
      if (rest !== null) this.#passIn(rest);
      if (this.#rest === null) this.#client.resume();
    },
    end: (inner) => void inner.end(),
    close: () => this.leave(),
    error: () => this.leave(),
  };

  #passIn(bytes: Uint8Array): void {
    // The rest of a body that was refused.
    if (this.#isLeaving || this.#inner === null) return;
    const written = this.#inner.write(bytes);
    // Negative when the server has closed: its last words are read before that is told.
    if (written < 0 || written === bytes.length) return;
    this.#rest = bytes.subarray(written);
    this.#client.pause();
  }

  /**
   * The server has closed. The client gets what it was sent, and what it goes on sending is let fall: closing before it
   * stops would take the answer from it.
   */
  leave(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#rest = null;
    const client = this.#client;
    let left = Number.POSITIVE_INFINITY;
    const timer = setInterval(() => {
      // Whoever still takes something has more time.
      if (client.writableLength === 0 || client.writableLength >= left) client.destroy();
      left = client.writableLength;
    }, LISTEN_LIMITS.lingerMs);
    client.once("close", () => clearInterval(timer));
    client.end();
    client.resume();
  }
}
