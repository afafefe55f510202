/** What is measured about listening; docs/operations.md explains each metric. */
import type { Metrics } from "../metrics.ts";

export const CERTIFICATE_EXPIRES = "ctlstore_tls_certificate_expires_seconds";
export const CERTIFICATE_RELOADS = "ctlstore_tls_certificate_reloads_total";
export const HANDSHAKE_FAILURES = "ctlstore_tls_handshake_failures_total";
export const CONNECTIONS = "ctlstore_connections";
export const CONNECTIONS_REFUSED = "ctlstore_connections_refused_total";

export interface ListenMeter {
  certificateExpires(at: Date): void;
  certificateReload(result: "ok" | "failed"): void;
  handshakeFailed(): void;
  connectionOpened(): void;
  connectionClosed(): void;
  connectionRefused(): void;
}

const nothing = () => {};

/** For whoever has no metrics. */
export const silentMeter: ListenMeter = {
  certificateExpires: nothing,
  certificateReload: nothing,
  handshakeFailed: nothing,
  connectionOpened: nothing,
  connectionClosed: nothing,
  connectionRefused: nothing,
};

/** Registers the metrics of a listener: one listener per registry. */
export function createListenMeter(metrics: Metrics): ListenMeter {
  const expires = metrics.gauge(CERTIFICATE_EXPIRES, "When the server's certificate ends, as unix time");
  const reloads = metrics.counter(
    CERTIFICATE_RELOADS,
    "Times that changed certificate files were taken into use, or could not be",
    ["result"],
  );
  for (const result of ["ok", "failed"]) reloads.inc({ result }, 0);
  const handshakes = metrics.counter(
    HANDSHAKE_FAILURES,
    "TLS handshakes that failed or took too long, by clients without the right certificate too",
  );
  const connections = metrics.gauge(CONNECTIONS, "Connections that are open");
  const refused = metrics.counter(CONNECTIONS_REFUSED, "Connections refused because there were too many");
  return {
    certificateExpires: (at) => expires.set(at.getTime() / 1000),
    certificateReload: (result) => reloads.inc({ result }),
    handshakeFailed: () => handshakes.inc(),
    connectionOpened: () => connections.inc(),
    connectionClosed: () => connections.dec(),
    connectionRefused: () => refused.inc(),
  };
}
