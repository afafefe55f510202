/**
 * A connection of the driver to the ctldb of a URL, with TLS where that is wanted (`tls.ts`).
 *
 * The driver checks a server's name only when it is told to, and an address never: here its handshake is followed by a
 * check of ours, before it sends the password. A driver that would go round that check is refused.
 */
import { connect, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import mysql, { type Connection, type ConnectionOptions } from "mysql2";
import { isCtlstoreError } from "../../core/errors.ts";
import type { CtlDbTimeouts } from "../../core/limits.ts";
import {
  asPassing,
  hostOf,
  identityError,
  loadTlsMaterial,
  type MysqlTls,
  parseMysqlTls,
  TlsHandshakeError,
  type TlsMaterial,
} from "./tls.ts";

export interface DriverConnection {
  readonly connection: Connection;
  readonly database: string;
  /** True when the connection is as safe as the URL demands; asked once it is open. */
  isAsWanted(): boolean;
  /** Drops it at once. */
  destroy(): void;
}

const DEFAULT_PORT = 3306;
const KEEP_ALIVE_MS = 10_000;

/** @throws CtlstoreError `config_invalid`, or `ctldb_unavailable` when a file of TLS cannot be used just now */
export function createDriverConnection(url: URL, timeouts: CtlDbTimeouts): DriverConnection {
  const tls = parseMysqlTls(url);
  const ssl = tls === null ? null : materialNow(tls);
  const database = decodeURIComponent(url.pathname.slice(1));
  const socket = openSocket(url);
  const connection = mysql.createConnection({
    ...optionsOf(url, timeouts),
    database,
    stream: () => socket,
    // The driver asks a server for this name in the handshake, and uses it for nothing else.
    host: tls?.serverName ?? hostOf(url),
    ...(ssl === null ? {} : { ssl }),
  });
  let isChecked = tls === null;
  if (tls !== null) {
    checkHandshake(connection, tls, () => {
      isChecked = true;
    });
  }
  return {
    connection,
    database,
    isAsWanted: () => isChecked,
    destroy() {
      connection.destroy();
      // The driver's destroy sends what is left and waits for the server; one that does not answer would keep the socket.
      insideOf(connection).stream.destroy();
      socket.destroy();
    },
  };
}

/** Where a URL leads, without its secrets. */
export function placeOf(url: URL): string {
  return `${url.hostname}:${url.port || DEFAULT_PORT}`;
}

function optionsOf(url: URL, timeouts: CtlDbTimeouts): ConnectionOptions {
  return {
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    charset: "utf8mb4",
    connectTimeout: timeouts.connectMs,
    multipleStatements: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
  };
}

function openSocket(url: URL): Socket {
  const socket = connect({ host: hostOf(url), port: Number(url.port || DEFAULT_PORT) });
  socket.setNoDelay(true);
  socket.once("connect", () => socket.setKeepAlive(true, KEEP_ALIVE_MS));
  return socket;
}

function materialNow(tls: MysqlTls): TlsMaterial {
  try {
    return loadTlsMaterial(tls);
  } catch (error) {
    // They could be used when this process began: whoever replaces them is not done yet.
    throw isCtlstoreError(error) ? asPassing(error) : error;
  }
}

/** What we need of the driver beyond its types. */
interface Inside {
  stream: Socket | TLSSocket;
  startTLS?: (done: (error?: Error) => void) => void;
}

function insideOf(connection: Connection): Inside {
  return connection as unknown as Inside;
}

function checkHandshake(connection: Connection, tls: MysqlTls, onGood: () => void): void {
  const inside = insideOf(connection);
  const startTls = inside.startTLS?.bind(connection);
  // Without it nothing calls `onGood`, and the connection is refused.
  if (startTls === undefined) return;
  inside.startTLS = (done) => {
    startTls((failure) => {
      const error = failure ?? peerError(inside.stream, tls);
      if (error === undefined) onGood();
      done(error === undefined ? undefined : new TlsHandshakeError(error));
    });
  };
}

function peerError(stream: Socket | TLSSocket, tls: MysqlTls): Error | undefined {
  if (!("getPeerCertificate" in stream) || !stream.authorized)
    return new Error("the connection is not protected after the handshake");
  return identityError(tls, stream.getPeerCertificate(true));
}
