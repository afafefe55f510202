/** Options of whatever listens for requests: TLS, and limits against slow and many clients. */
import { CtlstoreError } from "../core/errors.ts";
import { LISTEN_LIMITS } from "../core/limits.ts";
import type { TlsFiles } from "../core/process/listen.ts";
import { type OptionValues, option } from "./options.ts";
import { integer, text } from "./parsers.ts";

const MILLION = 1_000_000;

/** Of every service that listens. */
export const TLS_OPTIONS = {
  tlsCert: option({
    flag: "tls-cert",
    placeholder: "FILE",
    help: "answer HTTPS with this certificate (PEM, with those between it and its authority); read again when it changes",
    parse: text,
    fallback: undefined,
  }),
  tlsKey: option({
    flag: "tls-key",
    placeholder: "FILE",
    help: "its key (PEM, without a passphrase)",
    parse: text,
    fallback: undefined,
  }),
  tlsClientCa: option({
    flag: "tls-client-ca",
    placeholder: "FILE",
    help: "let in only who has a certificate of these authorities (PEM): mutual TLS",
    parse: text,
    fallback: undefined,
  }),
};

export const TRANSPORT_OPTIONS = {
  ...TLS_OPTIONS,
  maxConnections: option({
    flag: "max-connections",
    placeholder: "N",
    help: `most connections at a time; more are closed at once. With TLS ${LISTEN_LIMITS.connections} unless given; without it none, and one costs some speed`,
    parse: integer({ min: 1, max: MILLION }),
    fallback: undefined,
  }),
  maxRequests: option({
    flag: "max-requests",
    placeholder: "N",
    help: "most requests under way at a time; more are answered 503",
    parse: integer({ min: 1, max: MILLION }),
    fallback: LISTEN_LIMITS.requests,
  }),
  requestTimeoutMs: option({
    flag: "request-timeout-ms",
    placeholder: "MS",
    help: "how long a request's body may take to arrive; then it is answered 408",
    parse: integer({ min: LISTEN_LIMITS.requestMs.min, max: LISTEN_LIMITS.requestMs.max }),
    fallback: LISTEN_LIMITS.requestMs.default,
  }),
};

export interface Transport extends GivenTls {
  readonly maxConnections?: number;
  readonly maxRequests: number;
  readonly requestMs: number;
}

/** @throws CtlstoreError `config_invalid` when one of the files lacks another */
export function transportOf(values: OptionValues<typeof TRANSPORT_OPTIONS>): Transport {
  const { maxConnections, maxRequests, requestTimeoutMs: requestMs } = values;
  const connections = maxConnections === undefined ? {} : { maxConnections };
  return { ...tlsOf(values), ...connections, maxRequests, requestMs };
}

export interface GivenTls {
  readonly tls?: TlsFiles;
}

/** Nothing without files. @throws CtlstoreError `config_invalid` when one of them lacks another */
export function tlsOf(values: OptionValues<typeof TLS_OPTIONS>): GivenTls {
  const { tlsCert: certFile, tlsKey: keyFile, tlsClientCa: clientCaFile } = values;
  if (certFile === undefined && keyFile === undefined && clientCaFile === undefined) return {};
  if (certFile === undefined) throw missing("--tls-cert");
  if (keyFile === undefined) throw missing("--tls-key");
  return { tls: { certFile, keyFile, ...(clientCaFile === undefined ? {} : { clientCaFile }) } };
}

function missing(flag: string): CtlstoreError {
  return new CtlstoreError("config_invalid", `Cannot answer HTTPS: ${flag} is not given; it is needed`, {
    hint: "TLS takes --tls-cert and --tls-key, and for mutual TLS --tls-client-ca",
  });
}
