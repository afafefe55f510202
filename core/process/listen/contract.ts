/** What every listener is asked for, and what it gives; see `listen`. */
import type { Clock } from "../clock.ts";
import type { Logger } from "../logger.ts";
import type { Metrics } from "../metrics.ts";
import type { Certificates, TlsFiles } from "./certificates.ts";
import type { ListenMeter } from "./listen-meter.ts";

export type Answer = (request: Request) => Response | Promise<Response>;

export interface ListenOptions {
  readonly fetch: Answer;
  /**
   * Seconds of silence after which a connection is closed, and for an answer to be taken; not counted while `fetch` is at
   * work. Default `LISTEN_LIMITS.idleSeconds`.
   */
  readonly idleSeconds?: number;
  /** Most bytes of one body that are taken in, read or not; those that nobody reads wait in the connection. */
  readonly maxRequestBodySize?: number;
  readonly tls?: TlsFiles;
  /** Most connections at a time; more are closed at once. Default with TLS `LISTEN_LIMITS.connections`, else none. */
  readonly maxConnections?: number;
  /** How often the certificate's files are looked at. Default `LISTEN_LIMITS.certificateLookMs`. */
  readonly certificateLookMs?: number;
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** Without it nothing is measured. One listener per registry. */
  readonly metrics?: Metrics;
}

export interface Listener {
  /** Such as `http://127.0.0.1:3000`, or `unix:PATH`. */
  readonly url: string;
  /** Requests that are being answered. */
  readonly pendingRequests: number;
  /** Looks at the certificate's files now, rather than at the next time. */
  reloadCertificates(): void;
  /** Takes no more connections; true also ends those that are there. Resolves when all are closed. */
  stop(closeConnections: boolean): Promise<void>;
}

/** A listener whose certificate can be replaced. */
export interface SecuredListener extends Omit<Listener, "reloadCertificates"> {
  /** @throws Error when they are not usable; the ones before stay */
  useCertificates(certificates: Certificates): void;
}

/** What a listener has beside its options, once its files are read. */
export interface Secured {
  readonly certificates: Certificates | null;
  readonly meter: ListenMeter;
}
