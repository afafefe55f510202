/** Writers as text for people, and the secrets that are made for them. */
import type { ClientResult } from "../client/client-error.ts";
import { isCtlstoreError } from "../core/errors.ts";
import type { WriterName } from "../core/names.ts";
import { answerOf } from "./answer-of.ts";
import type { CommandContext } from "./command.ts";
import { jsonText, textTable } from "./print.ts";

export interface WriterFacts {
  readonly writer: string;
  readonly grants: readonly string[] | null;
  readonly revoked: boolean;
  readonly secretForm: string | null;
  readonly previousSecretUntil: string | null;
}

export function writerLines(writers: readonly WriterFacts[]): string[] {
  return textTable(
    ["writer", "families", "secret", "old secret until"],
    writers.map((one) => [
      one.writer,
      grantsText(one.grants),
      secretText(one),
      one.previousSecretUntil ?? "-",
    ]),
  );
}

/** Null is what the Executive makes of it: all, or with `--require-grants` none. */
export function grantsText(grants: readonly string[] | null): string {
  if (grants === null) return "no grants given";
  return grants.length === 0 ? "none" : grants.join(", ");
}

function secretText({ revoked, secretForm }: WriterFacts): string {
  if (revoked) return "revoked";
  return secretForm ?? "-";
}

/** As `answerOf`, and whoever is there already is told how to get a known secret. */
export async function answerOrRotate<T>(
  executive: string,
  writer: WriterName,
  call: Promise<ClientResult<T>>,
): Promise<NonNullable<T>> {
  try {
    return await answerOf(executive, call);
  } catch (error) {
    if (!isCtlstoreError(error) || error.code !== "writer_exists") throw error;
    throw error.with({ hint: `\`ctlstore writer rotate ${JSON.stringify(writer)}\` gives it a new secret` });
  }
}

/** Prints what was done; a secret to be shown stands alone on standard output. */
export function showSecret(
  context: CommandContext,
  made: {
    readonly answer: object;
    readonly shown: string | null;
    readonly file: string | undefined;
    readonly done: string;
  },
  { json }: { readonly json: boolean },
): void {
  const { answer, shown, file, done } = made;
  if (json) {
    const secret = shown === null ? {} : { secret: shown };
    context.out(jsonText({ ...answer, ...secret, ...(file === undefined ? {} : { secretFile: file }) }));
  } else if (shown !== null) {
    context.note(`${done}; its secret, which is not shown again:`);
    context.out(shown);
  } else context.out(file === undefined ? done : `${done}; its secret is in ${file}`);
}
