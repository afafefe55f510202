/** Who is asking: an operator's token, and a writer's name and secret from its headers. */
import { createHash, timingSafeEqual } from "node:crypto";
import { CtlstoreError } from "../core/errors.ts";
import { FORMAT_LIMITS } from "../core/limits.ts";
import { parseWriterName, type WriterName } from "../core/names.ts";

export const WRITER_HEADER = "ctlstore-writer";
export const SECRET_HEADER = "ctlstore-secret";

/** The token of an Authorization header; null when it carries none. */
export function bearerToken(authorization: string | null): string | null {
  const token = /^bearer +(.*)$/i.exec(authorization ?? "")?.[1];
  return token === undefined || token === "" ? null : headerText(token);
}

/** Tells whether a token is the expected one, in a time that says nothing about either. */
export function createTokenCheck(expectedToken: string): (token: string) => boolean {
  // Digests have one length, whatever was sent.
  const expected = sha256(expectedToken);
  return (token) => timingSafeEqual(sha256(token), expected);
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

export interface WriterCredentials {
  readonly writer: WriterName;
  readonly secret: string;
}

/** @throws CtlstoreError `bad_credentials`, the same for whatever is wrong */
export function writerCredentials(headers: Headers): WriterCredentials {
  const writer = headers.get(WRITER_HEADER);
  const secret = headers.get(SECRET_HEADER);
  if (writer === null || secret === null) {
    throw new CtlstoreError(
      "bad_credentials",
      `Cannot tell the writer: header ${writer === null ? WRITER_HEADER : SECRET_HEADER} is missing`,
      { hint: `send ${WRITER_HEADER} and ${SECRET_HEADER}` },
    );
  }
  try {
    return { writer: parseWriterName(headerText(writer)), secret: headerText(secret) };
  } catch (cause) {
    throw new CtlstoreError(
      "bad_credentials",
      "Cannot authenticate the writer: its name or its secret is wrong",
      { cause },
    );
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Headers arrive as bytes, one per character; names and secrets beyond ASCII are UTF-8 in them. */
function headerText(value: string): string {
  if (/^[\u0000-\u007f]*$/.test(value)) return value;
  try {
    return utf8.decode(Buffer.from(value, "latin1"));
  } catch {
    return value;
  }
}

const CONTROL_CHARACTER = /[\u0000-\u001f\u007f]/;

/** Controls, and what looks like nothing: with them a name could look like another one. */
const UNSEEN_CHARACTER = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/**
 * The name under which a writer registers. White space around it would be lost in a header, so that it could never log
 * in again; and with a `*` at its end a limit could not tell it from a group of writers.
 * @throws CtlstoreError `invalid_name`
 */
export function newWriterName(value: unknown): WriterName {
  const writer = parseWriterName(value);
  if (writer.trim() !== writer) throw unusableName("begins or ends with white space");
  if (UNSEEN_CHARACTER.test(writer)) throw unusableName("holds a character that cannot be seen");
  if (writer.endsWith("*")) throw unusableName("ends in *, which stands for all names that begin so");
  return writer;
}

function unusableName(reason: string): CtlstoreError {
  return new CtlstoreError("invalid_name", `Cannot register the writer: its name ${reason}`);
}

/** The secret of a new writer; it must survive a header. @throws CtlstoreError `invalid_value` */
export function newSecret(bytes: Uint8Array): string {
  const { min, max } = FORMAT_LIMITS.secretChars;
  const refuse = (reason: string, hint?: string) => {
    const details = hint === undefined ? {} : { hint };
    return new CtlstoreError("invalid_value", `Cannot use this secret: ${reason}`, {
      field: "secret",
      ...details,
    });
  };
  let secret: string;
  try {
    secret = utf8.decode(bytes);
  } catch {
    throw refuse("it is not valid UTF-8");
  }
  if (secret.length < min || secret.length > max) {
    throw refuse(`it has ${secret.length} characters; it needs ${min} to ${max}`);
  }
  if (CONTROL_CHARACTER.test(secret) || secret.trim() !== secret) {
    throw refuse(
      "it holds a control character, or white space at an end, which a header cannot carry",
      "send it without a line break, as printf does and echo does not",
    );
  }
  return secret;
}
