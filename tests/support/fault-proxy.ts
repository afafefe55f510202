/**
 * A TCP proxy on 127.0.0.1 that makes the network's faults: slowness, silence, refusal, resets, lost replies.
 *
 * Faults hold for new and standing connections from the moment they are set, and for all connections alike.
 */
import { connect, createServer, type Socket } from "node:net";
import { portOf } from "./free-port.ts";

export type Direction = "up" | "down";

export interface Faults {
  /** Delay of every chunk in both directions. */
  readonly latencyMs?: number;
  /** Bytes are taken and never passed on; connections stay open. A direction means only that one. */
  readonly blackHole?: boolean | Direction;
  /** New connections are reset at once. */
  readonly refuse?: boolean;
  /** Both ends are reset when that many more bytes have passed in the direction. */
  readonly resetAfter?: { readonly direction: Direction; readonly bytes: number };
  /**
   * The next request that matches reaches the server; its reply is thrown away and both ends are reset. The fault
   * happens once: this is the COMMIT whose outcome the client cannot know.
   */
  readonly dropReplyOf?: RegExp;
  /**
   * The next request that matches reaches the server; nothing more of that connection ever reaches the client. The
   * fault happens once: this is the moment at which a process dies or sleeps while the server works for it.
   */
  readonly holdReplyOf?: RegExp;
}

export interface FaultProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections made so far, refused ones included. */
  readonly connections: number;
  /** Chunks that came from clients so far: of small requests sent one after the other, one each. */
  readonly requests: number;
  /** Replaces the faults; `{}` is a healthy network again. */
  set(faults: Faults): void;
  /** Resolves when the server has begun to answer the request whose reply is held back. */
  held(): Promise<void>;
  /** Resets every standing connection. */
  resetAll(): void;
  close(): Promise<void>;
}

/** Up is from the client to the server. */
interface Link {
  readonly client: Socket;
  readonly server: Socket;
  swallowReply: boolean;
  /** Its replies are held back for good. */
  held: boolean;
}

interface ProxyState {
  faults: Faults;
  connections: number;
  requests: number;
  /** Bytes that passed since the faults were set. */
  passed: Record<Direction, number>;
  readonly links: Set<Link>;
  onHeld: PromiseWithResolvers<void>;
}

function reset(state: ProxyState, link: Link): void {
  state.links.delete(link);
  link.client.resetAndDestroy();
  link.server.resetAndDestroy();
}

/** Starts a proxy before the server at the port. */
export async function startFaultProxy(target: { readonly port: number }): Promise<FaultProxy> {
  const state: ProxyState = {
    faults: {},
    connections: 0,
    requests: 0,
    passed: { up: 0, down: 0 },
    links: new Set(),
    onHeld: Promise.withResolvers(),
  };
  const listener = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    state.connections += 1;
    client.on("error", () => {});
    if (state.faults.refuse) client.resetAndDestroy();
    else join(state, client, target.port);
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const resetAll = () => {
    for (const link of [...state.links]) reset(state, link);
  };
  const close = () => {
    resetAll();
    return new Promise<void>((resolve) => listener.close(() => resolve()));
  };
  return {
    port: portOf(listener),
    get connections() {
      return state.connections;
    },
    get requests() {
      return state.requests;
    },
    set(faults) {
      state.faults = faults;
      state.onHeld = Promise.withResolvers();
      state.passed = { up: 0, down: 0 };
    },
    held: () => state.onHeld.promise,
    resetAll,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function join(state: ProxyState, client: Socket, port: number): void {
  const server = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  const link: Link = { client, server, swallowReply: false, held: false };
  state.links.add(link);
  client.setNoDelay(true);
  server.setNoDelay(true);
  server.on("error", () => reset(state, link));
  for (const socket of [client, server]) {
    socket.on("close", () => {
      state.links.delete(link);
      // A black hole hides also that the other end has gone.
      if (!state.faults.blackHole) for (const end of [client, server]) end.destroy();
    });
  }
  server.once("connect", () => {
    pipe(state, link, "up");
    pipe(state, link, "down");
    client.resume();
  });
}

function pipe(state: ProxyState, link: Link, direction: Direction): void {
  const [source, target] = direction === "up" ? [link.client, link.server] : [link.server, link.client];
  let order = Promise.resolve();
  source.on("data", (chunk: Buffer) => {
    source.pause();
    if (direction === "up") state.requests += 1;
    order = order
      .then(async () => {
        const { latencyMs = 0 } = state.faults;
        if (latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, latencyMs));
        if (pass(state, link, direction, chunk) && !target.destroyed && !target.write(chunk))
          await drained(target);
      })
      .finally(() => {
        if (!source.destroyed) source.resume();
      });
  });
  source.on("end", () => {
    order = order.then(() => void target.end());
  });
}

/** Decides about one chunk: true when it goes on as it is. */
function pass(state: ProxyState, link: Link, direction: Direction, chunk: Buffer): boolean {
  const { blackHole, dropReplyOf, holdReplyOf, resetAfter } = state.faults;
  if (blackHole === true || blackHole === direction) return false;
  if (direction === "up" && dropReplyOf?.test(chunk.toString("latin1"))) {
    link.swallowReply = true;
    const { dropReplyOf: _once, ...others } = state.faults;
    state.faults = others;
  }
  if (direction === "up" && holdReplyOf?.test(chunk.toString("latin1"))) {
    link.held = true;
    const { holdReplyOf: _once, ...others } = state.faults;
    state.faults = others;
  }
  if (direction === "down" && link.held) {
    state.onHeld.resolve();
    return false;
  }
  if (direction === "down" && link.swallowReply) {
    reset(state, link);
    return false;
  }
  if (resetAfter?.direction === direction && state.passed[direction] + chunk.length > resetAfter.bytes) {
    reset(state, link);
    return false;
  }
  state.passed[direction] += chunk.length;
  return true;
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once("drain", resolve);
    socket.once("close", resolve);
  });
}
