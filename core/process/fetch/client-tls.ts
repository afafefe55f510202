/** What a client brings to a TLS handshake, from files that may be replaced at any time (R44). */
import { CtlstoreError, messageOf } from "../../errors.ts";
import { type Logger, silentLogger } from "../logger.ts";
import { readAuthorities, readPair, stateOfFiles } from "../pem-files.ts";

export interface ClientFiles {
  /** Authorities of servers, in place of those that the runtime knows. PEM, like the others. */
  readonly caFile?: string | undefined;
  /** Our certificate, for servers that ask for one, and its key. */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

/** The same object for as long as the files are the same. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Requests come by the hundred a second; files change by the month. */
const LOOK_MS = 1_000;

export class ClientTls {
  readonly #files: ClientFiles;
  readonly #logger: Logger;
  /** Why the files that are there now cannot be used. */
  #problem: string | null = null;
  #material: TlsMaterial;
  #state: string;
  #lookedAtMs: number;

  private constructor(files: ClientFiles, logger: Logger) {
    this.#files = files;
    this.#logger = logger;
    this.#state = stateOf(files);
    this.#lookedAtMs = performance.now();
    this.#material = materialOf(files);
  }

  /** Null when there are no files. @throws CtlstoreError `config_invalid` */
  static of(files: ClientFiles, logger: Logger = silentLogger): ClientTls | null {
    const { caFile, certFile, keyFile } = files;
    if (caFile === undefined && certFile === undefined && keyFile === undefined) return null;
    return new ClientTls(files, logger);
  }

  current(): TlsMaterial {
    const nowMs = performance.now();
    if (nowMs - this.#lookedAtMs < LOOK_MS) return this.#material;
    this.#lookedAtMs = nowMs;
    const state = stateOf(this.#files);
    if (state === this.#state) return this.#material;
    this.#renew(state);
    return this.#material;
  }

  #renew(state: string): void {
    try {
      this.#material = materialOf(this.#files);
      this.#state = state;
      this.#problem = null;
    } catch (error) {
      // Half-written, perhaps: the state stays the old one, so that the next look reads again.
      const problem = messageOf(error);
      if (problem !== this.#problem) {
        this.#logger.error({ err: error }, "the new client certificate cannot be used; the one before stays");
      }
      this.#problem = problem;
    }
  }
}

function stateOf({ caFile, certFile, keyFile }: ClientFiles): string {
  return stateOfFiles([caFile, certFile, keyFile]);
}

function materialOf({ caFile, certFile, keyFile }: ClientFiles): TlsMaterial {
  const ca = caFile === undefined ? {} : { ca: readAuthorities(caFile) };
  if (certFile === undefined && keyFile === undefined) return ca;
  if (certFile === undefined || keyFile === undefined) throw incomplete();
  const { cert, key } = readPair(certFile, keyFile);
  return { ...ca, cert, key };
}

function incomplete(): CtlstoreError {
  return new CtlstoreError(
    "config_invalid",
    "Cannot use a client certificate: either it or its key is not given; both are needed",
    { hint: "--executive-cert and --executive-key go together" },
  );
}
