/**
 * TLS towards MySQL: what the ctldb's URL asks for, the files that it names, and who the server proves to be.
 *
 *     ?tls=verify            the chain of the server's certificate, and the host's name or address in it; the default
 *     ?tls=verify-ca         the chain alone: for a tunnel, or a server that is reached by another name
 *     ?tls=off               none; the default when no parameter is about TLS
 *     &tls-ca=FILE           PEM of the authorities that are trusted, instead of the runtime's own
 *     &tls-cert=FILE&tls-key=FILE   our certificate and its key, for a server that wants one
 *     &tls-server-name=NAME  the name to check, and to ask the server for, when it is not the URL's host
 *
 * With TLS wanted there is no connection without it, and no password is sent before the server's name was checked: the
 * driver does neither by itself. Files are read for each connection, so that whoever replaces them need not restart
 * anything (R44).
 */
import { readFileSync } from "node:fs";
import { checkServerIdentity, createSecureContext, type PeerCertificate } from "node:tls";
import { CtlstoreError, messageOf } from "../../core/errors.ts";
import { type CertificateProblem, certificateProblem } from "../../core/process/certificate-problem.ts";

export interface MysqlTls {
  /** Null: any name will do, as long as the chain is good. */
  readonly serverName: string | null;
  readonly caFile: string | null;
  readonly client: { readonly certFile: string; readonly keyFile: string } | null;
}

/** What the driver is given, with the files' content. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly minVersion: "TLSv1.2";
}

/** A handshake that failed: `reason` is the code of OpenSSL or Node, which the driver replaces by one of its own. */
export class TlsHandshakeError extends Error {
  readonly reason: string;

  constructor(cause: unknown) {
    super(messageOf(cause), { cause });
    const { code } = cause as { readonly code?: unknown };
    this.reason = typeof code === "string" ? code : "";
  }
}

const PARAMETERS = ["tls", "tls-ca", "tls-cert", "tls-key", "tls-server-name"];
const MODES = ["verify", "verify-ca", "off"];

/**
 * What the URL says about TLS; null for none. It looks at no file.
 * @throws CtlstoreError `config_invalid`
 */
export function parseMysqlTls(url: URL): MysqlTls | null {
  const given = parametersOf(url);
  const mode = given.get("tls") || "verify";
  if (!MODES.includes(mode)) throw invalid(`tls must be one of ${MODES.join(", ")}`);
  const isWanted = given.size > 0 && mode !== "off";
  if (!isWanted) {
    if (given.size > 1) throw invalid("tls=off contradicts the other parameters of TLS");
    return null;
  }
  for (const [name, value] of given) if (name !== "tls" && value === "") throw invalid(`${name} is empty`);
  const [certFile, keyFile] = [given.get("tls-cert"), given.get("tls-key")];
  if ((certFile === undefined) !== (keyFile === undefined))
    throw invalid("tls-cert and tls-key go together: one of them is missing");
  const name = given.get("tls-server-name");
  if (mode === "verify-ca" && name !== undefined)
    throw invalid("tls=verify-ca checks no name, and tls-server-name gives one");
  return {
    serverName: mode === "verify-ca" ? null : (name ?? hostOf(url)),
    caFile: given.get("tls-ca") ?? null,
    client: certFile === undefined || keyFile === undefined ? null : { certFile, keyFile },
  };
}

function parametersOf(url: URL): Map<string, string> {
  if (url.hash !== "") throw invalid('it has a "#"; inside of a password that must be written as %23');
  const given = new Map<string, string>();
  for (const [name, value] of url.searchParams) {
    if (!PARAMETERS.includes(name)) throw invalid(`${shown(name)} is not a parameter of it`);
    if (given.has(name)) throw invalid(`${name} is given twice`);
    given.set(name, value);
  }
  return given;
}

/** What does not look like a name of ours may be a part of a password. */
function shown(name: string): string {
  return /^[a-zA-Z][\w-]{0,30}$/.test(name) ? `"${name}"` : "something after its question mark";
}

function invalid(what: string): CtlstoreError {
  return new CtlstoreError("config_invalid", `Cannot use the ctldb URL: ${what}`, {
    hint: `known parameters: ${PARAMETERS.join(", ")}`,
  });
}

/** The host as a program connects to it: an IPv6 address without its brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

/**
 * Reads the files, and finds out whether they are certificates and a key that fit each other.
 * @throws CtlstoreError `config_invalid`
 */
export function loadTlsMaterial({ caFile, client }: MysqlTls): TlsMaterial {
  const material: TlsMaterial = {
    minVersion: "TLSv1.2",
    ...(caFile === null ? {} : { ca: pem("tls-ca", caFile) }),
    ...(client === null
      ? {}
      : { cert: pem("tls-cert", client.certFile), key: pem("tls-key", client.keyFile) }),
  };
  try {
    createSecureContext(material);
  } catch (cause) {
    const files = [caFile, client?.certFile, client?.keyFile].filter((file) => file != null).join(", ");
    throw unusable(files, "they are not certificates and a key in PEM that fit each other", cause);
  }
  return material;
}

function pem(parameter: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw unusable(file, `${parameter} cannot be read`, cause);
  }
}

function unusable(files: string, what: string, cause: unknown): CtlstoreError {
  return new CtlstoreError("config_invalid", `Cannot use ${files} for TLS to the ctldb: ${what}`, {
    cause,
    hint: messageOf(cause),
  });
}

/** The same failure on the way: the files are being replaced just now, or somebody took them away. */
export function asPassing(error: CtlstoreError): CtlstoreError {
  return new CtlstoreError("ctldb_unavailable", error.message, { ...error.details, retryAfterSeconds: 1 });
}

/** What is wrong with the server's name; undefined when nothing is. */
export function identityError({ serverName }: MysqlTls, certificate: PeerCertificate): Error | undefined {
  return serverName === null ? undefined : checkServerIdentity(serverName, certificate);
}

const OURS_REFUSED =
  "the server refuses our certificate: give one by an authority that the server trusts, by tls-cert= and tls-key= in the URL";

const CERTIFICATE_HINTS: Readonly<Record<CertificateProblem, string>> = {
  "unknown-authority":
    "the server's certificate is not by an authority that is trusted here: name the file of the right one by tls-ca= in the URL",
  expired: "the server's certificate has expired: renew it there; this host's clock may also be wrong",
  "not-yet-valid": "the server's certificate is not valid yet: is this host's clock right?",
  revoked: "the server's certificate has been revoked: renew it there",
  "other-host":
    "the server's certificate is for other hosts: connect by a name that it has, give that by tls-server-name=, or check the chain alone by tls=verify-ca",
};

const HINTS: Readonly<Record<string, string>> = {
  HANDSHAKE_NO_SSL_SUPPORT:
    "the server offers no TLS: switch it on there; a server on a network that is trusted may do with tls=off",
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: "the server's versions of TLS are older than 1.2",
  ERR_SSL_UNSUPPORTED_PROTOCOL: "the server's versions of TLS are older than 1.2",
};

/** The alerts by which a server says that it does not like our certificate, or misses one. */
const OURS_REFUSED_ALERT = /_ALERT_(?:UNKNOWN_CA|ACCESS_DENIED|DECRYPT_ERROR|\w*CERTIFICATE\w*)$/;

/** What to do about a failure of TLS, by the code of whoever found it; null when it is about something else. */
export function tlsHint(code: string): string | null {
  const problem = certificateProblem(code);
  if (problem !== null) return CERTIFICATE_HINTS[problem];
  return HINTS[code] ?? (OURS_REFUSED_ALERT.test(code) ? OURS_REFUSED : null);
}
