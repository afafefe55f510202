/**
 * Secrets and tokens that a command makes: they are printed on standard output, alone, or go into a file that only its
 * owner may read.
 *
 * The file is made before the Executive is asked, so that nothing takes effect whose secret then has no place.
 */
import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from "node:fs";
import { CtlstoreError, isCtlstoreError, messageOf, quote } from "../core/errors.ts";
import type { CommandContext } from "./command.ts";
import { option } from "./options.ts";
import { text } from "./parsers.ts";

/** As much as the digest of it holds. */
const SECRET_BYTES = 32;

export const secretFileOption = option({
  flag: "secret-file",
  placeholder: "PATH",
  help: "write the secret that is made into this new file, which only its owner may read, instead of printing it",
  parse: text,
  fallback: undefined,
});

export interface SecretOptions {
  readonly given: string | undefined;
  readonly file: string | undefined;
  /** The one that gives a secret. */
  readonly flag: string;
}

export interface SentSecret<Answer> {
  readonly answer: Answer;
  /** A secret that was made and has no file: to be printed. */
  readonly shown: string | null;
}

/**
 * Sends a writer's new secret: the given one, or one that is made here.
 * @throws CtlstoreError what `send` throws; `config_invalid` when the file exists, or nothing is to be put into it
 */
export async function sendNewSecret<Answer>(
  context: Pick<CommandContext, "out" | "note">,
  { given, file, flag }: SecretOptions,
  send: (secret: string) => Promise<Answer>,
): Promise<SentSecret<Answer>> {
  if (given !== undefined && file !== undefined) {
    throw new CtlstoreError(
      "config_invalid",
      `Cannot use --secret-file: a secret is given; the file is for one that is made`,
      { hint: `leave out --${flag}, or --secret-file` },
    );
  }
  if (given !== undefined) return { answer: await send(given), shown: null };
  const secret = randomBytes(SECRET_BYTES).toString("base64url");
  using place = file === undefined ? null : new SecretFile(secretFileOption.flag, file);
  place?.write(secret);
  try {
    return { answer: await send(secret), shown: place === null ? secret : null };
  } catch (error) {
    if (isCtlstoreError(error) && !UNSURE.has(error.code)) place?.remove();
    else tellOfUnsure(context, { secret, file, flag });
    throw error;
  }
}

/**
 * Without a clear answer it may have taken effect: what there is here is the only copy. And whoever tried again with a new
 * one would end the secret before it, overlap or not.
 */
function tellOfUnsure(
  { out, note }: Pick<CommandContext, "out" | "note">,
  { secret, file, flag }: Omit<SecretOptions, "given"> & { readonly secret: string },
): void {
  const place = file === undefined ? "the secret below" : `the secret in ${file}`;
  note(`it may have taken effect: try again with --${flag} and ${place}, which changes nothing then`);
  if (file === undefined) out(secret);
}

const UNSURE: ReadonlySet<string> = new Set(["ctldb_unavailable", "commit_outcome_unknown", "internal"]);

/** A new file that only its owner may read. @throws CtlstoreError `config_invalid`, naming the flag, also when it exists */
export class SecretFile implements Disposable {
  readonly path: string;
  readonly #descriptor: number;

  constructor(flag: string, path: string) {
    this.path = path;
    try {
      this.#descriptor = openSync(path, "wx", 0o600);
    } catch (cause) {
      const exists = cause instanceof Error && "code" in cause && cause.code === "EEXIST";
      const reason = exists ? "it exists, and is not overwritten" : `it cannot be made (${messageOf(cause)})`;
      throw new CtlstoreError("config_invalid", `Cannot use ${quote(path)} for --${flag}: ${reason}`, {
        cause,
      });
    }
  }

  write(secret: string): void {
    writeSync(this.#descriptor, `${secret}\n`);
    // It may be the only copy.
    fsyncSync(this.#descriptor);
  }

  remove(): void {
    rmSync(this.path, { force: true });
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}
