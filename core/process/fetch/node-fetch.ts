/** A small `fetch` on Node's own HTTP client, whose fetch can neither use a unix socket nor a client certificate. */
import { Agent as HttpAgent, type IncomingMessage, request as requestPlain } from "node:http";
import { Agent as HttpsAgent, request as requestTls } from "node:https";
import type { ClientTls, TlsMaterial } from "./client-tls.ts";
import type { FetchLike } from "./fetch-like.ts";

/** Connections that are idle for longer are closed: sooner than a server does it, which would lose the next request. */
const IDLE_MS = 10_000;
/** Answers with these have no body. */
const BODILESS = new Set([101, 204, 205, 304]);

/** @param socketPath of a unix socket; null connects to the URL's host */
export function createNodeFetch(socketPath: string | null, tls: ClientTls | null): FetchLike {
  const agents = new Agents(tls);
  return (input, init = {}) => {
    const url = new URL(input);
    const isTls = url.protocol === "https:";
    const options = {
      method: init.method ?? "GET",
      headers: Object.fromEntries(new Headers(init.headers)),
      agent: isTls ? agents.secure() : agents.plain,
      ...(socketPath === null ? {} : { socketPath }),
      ...(init.signal ? { signal: init.signal } : {}),
    };
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) => reject(init.signal?.aborted ? init.signal.reason : error);
      const request = (isTls ? requestTls : requestPlain)(url, options, (incoming) => {
        responseOf(incoming).then(resolve, fail);
      });
      request.on("error", fail);
      request.end(bodyOf(init.body));
    });
  };
}

class Agents {
  readonly plain = new HttpAgent({ keepAlive: true, timeout: IDLE_MS });
  readonly #tls: ClientTls | null;
  #secure: { readonly material: TlsMaterial; readonly agent: HttpsAgent } | null = null;

  constructor(tls: ClientTls | null) {
    this.#tls = tls;
  }

  /** New files mean new connections; requests under way keep theirs. */
  secure(): HttpsAgent {
    const material = this.#tls?.current() ?? {};
    if (this.#secure?.material !== material) {
      this.#secure = { material, agent: new HttpsAgent({ keepAlive: true, timeout: IDLE_MS, ...material }) };
    }
    return this.#secure.agent;
  }
}

async function responseOf(incoming: IncomingMessage): Promise<Response> {
  const pieces: Buffer[] = [];
  for await (const piece of incoming) pieces.push(piece as Buffer); // no encoding is set
  const status = incoming.statusCode ?? 500;
  const headers = new Headers();
  for (let at = 0; at + 1 < incoming.rawHeaders.length; at += 2) {
    headers.append(incoming.rawHeaders[at] ?? "", incoming.rawHeaders[at + 1] ?? "");
  }
  return new Response(BODILESS.has(status) ? null : Buffer.concat(pieces), { status, headers });
}

/** What our clients send; others would be sent as text that they are not. */
function bodyOf(body: RequestInit["body"]): string | Uint8Array | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body === "string" || body instanceof Uint8Array) return body;
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  throw new TypeError("a request's body must be text or bytes");
}
