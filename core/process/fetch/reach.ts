/**
 * `fetch` to a service that not everybody can reach: over a unix socket, with an authority of one's own, with a client
 * certificate. On Bun and on Node.
 */
import { CtlstoreError } from "../../errors.ts";
import type { Logger } from "../logger.ts";
import { type ClientFiles, ClientTls } from "./client-tls.ts";
import type { FetchLike } from "./fetch-like.ts";

export interface Reach {
  /** Below which the routes are. */
  readonly url: string;
  /** Absent where the runtime's own does it. */
  readonly fetch?: FetchLike;
}

const UNIX = "unix:";
/** Whom a certificate must be for when the way is a socket's path. */
const HOST_OF_SOCKET = "localhost";

/**
 * How to reach a service.
 *
 * The files are read anew when they change; while what is there cannot be used, what was read before goes on to be.
 *
 * @param address a URL, or `unix:PATH`, which is HTTPS to `localhost` when there are files, and otherwise HTTP
 * @throws CtlstoreError `config_invalid` when a file cannot be used, or there are files for plain HTTP
 */
export function reach(address: string, files: ClientFiles = {}, logger?: Logger): Reach {
  const tls = ClientTls.of(files, logger);
  if (address.startsWith(UNIX)) {
    const url = `${tls === null ? "http" : "https"}://${HOST_OF_SOCKET}`;
    return { url, fetch: fetchOver(address.slice(UNIX.length), tls) };
  }
  if (tls === null) return { url: address };
  if (!/^https:/i.test(address)) throw notHttps();
  return { url: address, fetch: fetchOver(null, tls) };
}

function fetchOver(socketPath: string | null, tls: ClientTls | null): FetchLike {
  if (process.versions["bun"] !== undefined) {
    // Bun's fetch has more options than the types of the web say.
    return (input, init) =>
      fetch(input, {
        ...init,
        ...(socketPath === null ? {} : { unix: socketPath }),
        ...(tls === null ? {} : { tls: tls.current() }),
      } as RequestInit);
  }
  let made: Promise<FetchLike> | null = null;
  return async (input, init) => {
    made ??= import("./node-fetch.ts").then(({ createNodeFetch }) => createNodeFetch(socketPath, tls));
    return (await made)(input, init);
  };
}

function notHttps(): CtlstoreError {
  return new CtlstoreError("config_invalid", "Cannot use certificates: the URL is not one of https://", {
    hint: "--executive-ca, --executive-cert and --executive-key go with --executive https://…",
  });
}
