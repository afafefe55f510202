/** Certificates and keys in PEM files, judged when they are read: errors name the file, and never say what is in a key. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { CtlstoreError, messageOf, quote } from "../errors.ts";

const BEGIN = "-----BEGIN CERTIFICATE-----";
const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

export interface PemPair {
  readonly cert: string;
  readonly key: string;
  /** The certificate of the key, and those after it in the file. */
  readonly chain: readonly [X509Certificate, ...X509Certificate[]];
}

/** A certificate and its own key. @throws CtlstoreError `config_invalid` */
export function readPair(certFile: string, keyFile: string): PemPair {
  const cert = readText(certFile);
  const key = readText(keyFile);
  const chain = certificatesOf(certFile, cert);
  if (!chain[0].checkPrivateKey(privateKeyOf(keyFile, key)))
    throw unusable(keyFile, `it is not the key of the first certificate in ${quote(certFile)}`);
  return { cert, key, chain };
}

/** Certificates of authorities: at least one. @throws CtlstoreError `config_invalid` */
export function readAuthorities(path: string): string {
  const text = readText(path);
  certificatesOf(path, text);
  return text;
}

/**
 * What changes when one of the files is written or replaced, also through a symlink of a folder, as Kubernetes does it.
 * @returns a text to compare; files that are missing have one too
 */
export function stateOfFiles(paths: readonly (string | undefined)[]): string {
  return paths.map((path) => (path === undefined ? "none" : fileState(path))).join(" ");
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
  // Its first certificates alone would be usable, and not what is meant.
  if (blocks.length > 0 && isCutOff(text, blocks.length))
    throw unusable(path, "it ends inside of a certificate");
  try {
    const [first, ...others] = blocks.map((block) => new X509Certificate(block));
    if (first !== undefined) return [first, ...others];
  } catch (cause) {
    throw unusable(path, "a certificate in it cannot be read", cause);
  }
  throw unusable(path, "there is no certificate in it; PEM is needed");
}

/** Of a file that somebody is still writing. */
function isCutOff(text: string, whole: number): boolean {
  const lastLine = text.slice(text.lastIndexOf("\n") + 1);
  return text.split(BEGIN).length - 1 > whole || (lastLine !== "" && BEGIN.startsWith(lastLine));
}

function privateKeyOf(path: string, text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch {
    // The reason may quote what it could not read.
    throw unusable(path, "there is no private key in it; PEM without a passphrase is needed");
  }
}

function unusable(path: string, state: string, cause?: unknown): CtlstoreError {
  const details = cause === undefined ? {} : { cause };
  return new CtlstoreError("config_invalid", `Cannot use ${quote(path)} for TLS: ${state}`, details);
}
