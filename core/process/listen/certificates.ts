/**
 * A server's certificate, read from files and judged before it is used: what is half-written, does not belong to its key
 * or cannot be read never replaces one that works (R44).
 */
import { createHash } from "node:crypto";
import { readAuthorities, readPair, stateOfFiles } from "../pem-files.ts";

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

/** @throws CtlstoreError `config_invalid`, naming the file; never a word of what is in a key */
export function readCertificates({ certFile, keyFile, clientCaFile }: TlsFiles): Certificates {
  const { cert, key, chain } = readPair(certFile, keyFile);
  const clientCa = clientCaFile === undefined ? null : readAuthorities(clientCaFile);
  const ends = chain.map(({ validTo }) => Date.parse(validTo));
  const identity = createHash("sha256").update(`${cert}\0${key}\0${clientCa}`).digest("hex");
  return { cert, key, clientCa, expiresAt: new Date(Math.min(...ends)), identity };
}

/** Changes when one of the files does. */
export function stateOf({ certFile, keyFile, clientCaFile }: TlsFiles): string {
  return stateOfFiles([certFile, keyFile, clientCaFile]);
}
