/**
 * A server's certificate, read from files and judged before it is used: what is half-written, does not belong to its key
 * or cannot be read never replaces one that works (R44).
 */
import { createHash, createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { CtlstoreError, messageOf, quote } from "../../errors.ts";

/** Where a server finds its certificate. All files are PEM. */
export interface TlsFiles {
  /** The certificate, followed by those of the authorities between it and one that clients know. */
  readonly certFile: string;
  /** Its key, without a passphrase. */
  readonly keyFile: string;
  /** Authorities of clients. With it a client needs a certificate that one of them has issued. */
  readonly clientCaFile?: string;
}

export interface Certificates {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string | null;
  /** When the first certificate of the chain ends. */
  readonly expiresAt: Date;
  /** Equal for equal files. */
  readonly identity: string;
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** @throws CtlstoreError `config_invalid`, naming the file; never a word of what is in a key */
export function readCertificates(files: TlsFiles): Certificates {
  const cert = readText(files.certFile);
  const key = readText(files.keyFile);
  const clientCa = files.clientCaFile === undefined ? null : readText(files.clientCaFile);
  const [own, ...above] = certificatesOf(files.certFile, cert);
  assertOwnKey(files, own, privateKeyOf(files.keyFile, key));
  if (files.clientCaFile !== undefined) certificatesOf(files.clientCaFile, clientCa ?? "");
  const ends = [own, ...above].map(({ validTo }) => Date.parse(validTo));
  const identity = createHash("sha256").update(`${cert}\0${key}\0${clientCa}`).digest("hex");
  return { cert, key, clientCa, expiresAt: new Date(Math.min(...ends)), identity };
}

/**
 * What changes when a file is written or replaced, also through a symlink of a folder, as Kubernetes does it.
 * @returns a text to compare; files that are missing have one too
 */
export function stateOf({ certFile, keyFile, clientCaFile }: TlsFiles): string {
  const paths = clientCaFile === undefined ? [certFile, keyFile] : [certFile, keyFile, clientCaFile];
  return paths.map(fileState).join(" ");
}

function fileState(path: string): string {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = statSync(path);
    return [dev, ino, size, mtimeMs, ctimeMs].join(":");
  } catch {
    return "missing";
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw unusable(path, `it cannot be read (${messageOf(cause)})`, cause);
  }
}

function certificatesOf(path: string, text: string): [X509Certificate, ...X509Certificate[]] {
  const blocks = text.match(PEM_CERTIFICATE) ?? [];
  try {
    const [first, ...others] = blocks.map((block) => new X509Certificate(block));
    if (first !== undefined) return [first, ...others];
  } catch (cause) {
    throw unusable(path, "a certificate in it cannot be read", cause);
  }
  throw unusable(path, "there is no certificate in it; PEM is needed");
}

function privateKeyOf(path: string, text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch {
    // The reason may quote what it could not read.
    throw unusable(path, "there is no private key in it; PEM without a passphrase is needed");
  }
}

function assertOwnKey({ certFile, keyFile }: TlsFiles, own: X509Certificate, key: KeyObject): void {
  if (own.checkPrivateKey(key)) return;
  throw unusable(keyFile, `it is not the key of the first certificate in ${quote(certFile)}`);
}

function unusable(path: string, state: string, cause?: unknown): CtlstoreError {
  return new CtlstoreError("config_invalid", `Cannot use ${quote(path)} for TLS: ${state}`, {
    ...(cause === undefined ? {} : { cause }),
    hint: "--tls-cert, --tls-key and --tls-client-ca name PEM files",
  });
}
