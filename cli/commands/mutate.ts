/** `ctlstore mutate`: writes or deletes rows of one table, all or none. */
import { CtlstoreError, messageOf, quote } from "../../core/errors.ts";
import { NumberText, parseExactJson } from "../../core/exact-json.ts";
import { answerOf } from "../answer-of.ts";
import { parseArgument } from "../arguments.ts";
import { type CommandContext, command } from "../command.ts";
import { EXECUTIVE_OPTIONS, reachExecutive, sentBy } from "../executive-options.ts";
import { option, switchOption } from "../options.ts";
import { tablePath } from "../parsers.ts";
import { jsonText } from "../print.ts";
import { jsonOption, secretOption, writerOption } from "../shared-options.ts";

/** Bytes of a cookie as text; the empty one says "none was ever stored". */
const cookieText = (text: string): Uint8Array => new TextEncoder().encode(text);

export const mutateCommand = command({
  name: "mutate",
  summary: "write rows of a table, or delete them, in one atomic batch",
  details:
    "Each VALUES is a JSON object by field name; a missing field becomes null. `-` reads one object per line from\n" +
    "standard input. Integers are taken exactly, bytes as base64.",
  arguments: [
    { name: "family/table", help: "the table" },
    { name: "values", help: "a row as JSON, or - for standard input", kind: "list" },
  ],
  options: {
    ...EXECUTIVE_OPTIONS,
    writer: writerOption,
    secret: secretOption,
    delete: switchOption({ flag: "delete", help: "delete the rows with these keys" }),
    cookie: option({
      flag: "cookie",
      placeholder: "TEXT",
      help: "the writer's cookie after this batch; without it the stored one stays",
      parse: cookieText,
      fallback: undefined,
    }),
    checkCookie: option({
      flag: "check-cookie",
      placeholder: "TEXT",
      help: "write only if the stored cookie is this",
      parse: cookieText,
      fallback: undefined,
    }),
    json: jsonOption,
  },
  examples: [
    `mutate shop/prices '{"sku":"a1","price":9.5}' --writer loader --secret @loader-secret`,
    `mutate shop/prices '{"sku":"a1"}' --delete --writer loader --secret @loader-secret`,
  ],
  async run(context, options, [path, ...texts]) {
    const { family, table } = parseArgument("FAMILY/TABLE", path, tablePath);
    const rows = await readRows(context, texts);
    const { createClient } = await import("../../client/index.ts");
    const { encodeBase64, encodeMutation, headerValue } = await import("../../client/encode.ts");
    const { executive, writer, secret, cookie, checkCookie, json } = options;
    const body = {
      mutations: rows.map((values, i) => encodeMutation({ table, delete: options.delete, values }, i)),
      ...(cookie === undefined ? {} : { cookie: encodeBase64(cookie) }),
      ...(checkCookie === undefined ? {} : { check_cookie: encodeBase64(checkCookie) }),
    };
    const headers = {
      "ctlstore-writer": headerValue("writer's name", writer),
      "ctlstore-secret": headerValue("secret", secret),
    };
    const way = await reachExecutive(options);
    const call = createClient(way.url, sentBy(way)).families({ family }).mutations.post(body, { headers });
    const answer = await answerOf(executive, call);
    context.out(json ? jsonText(answer) : `wrote ${rows.length} mutation(s) at sequence ${answer.sequence}`);
  },
});

type Values = Readonly<Record<string, null | boolean | number | bigint | string>>;

async function readRows(context: CommandContext, texts: readonly string[]): Promise<Values[]> {
  const fromInput = texts.length === 1 && texts[0] === "-";
  const rows = fromInput ? (await context.stdin()).split("\n").filter((line) => line.trim() !== "") : texts;
  return rows.map((row) => parseValues(row));
}

/** Arrays and objects go through as they are: the Executive refuses them and says which field. */
function parseValues(text: string): Values {
  let parsed: unknown;
  try {
    parsed = parseExactJson(text);
  } catch (error) {
    const reason = messageOf(error);
    throw new CtlstoreError("config_invalid", `Cannot use ${quote(text)} as VALUES: ${reason}`, {
      cause: error,
    });
  }
  if (
    typeof parsed !== "object" ||
    parsed === null ||
    Array.isArray(parsed) ||
    parsed instanceof NumberText
  ) {
    throw new CtlstoreError(
      "config_invalid",
      `Cannot use ${quote(text)} as VALUES: it must be a JSON object such as {"name":"value"}`,
    );
  }
  const members = Object.entries(parsed).map(([name, value]) => [
    name,
    value instanceof NumberText ? Number(value.text) : value,
  ]);
  return Object.fromEntries(members);
}
