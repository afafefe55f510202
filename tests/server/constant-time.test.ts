/** Comparisons of secrets take the same time whatever was sent: none is made by an operator that stops at a difference. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createTokenCheck } from "../../server/credentials.ts";
import { testSecret } from "../support/secrets.ts";
import { ROOT } from "../support/services.ts";

const FOLDERS = ["server", "ctldb/access"];
const SECRET = /secret|token|digest|password|hash|mac(?![a-z])/i;
/** What says nothing about a secret: words of the source, the mark of a revoked writer, and a new secret's own form. */
const HARMLESS = /^(?:null|undefined|true|"\w*"|REVOKED)$|\.(?:length|trim\(\))$/;
const COMPARISON = /([\w.#?]+(?:\([^()]*\))?)\s*(?:===|!==|==|!=)\s*([\w.#?"]+)/g;
const SEARCH = /([\w.#?]+)\.(?:equals|startsWith|endsWith|includes|indexOf|localeCompare|match)\(([^()]*)\)/g;

function isForbidden(line: string): boolean {
  return [...line.matchAll(COMPARISON), ...line.matchAll(SEARCH)].some(([, ...operands]) => {
    const names = operands.map((operand) => operand ?? "");
    return names.some((name) => SECRET.test(name)) && !names.some((name) => HARMLESS.test(name));
  });
}

function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}

function suspiciousLines(source: string): string[] {
  return withoutComments(source)
    .split("\n")
    .filter(isForbidden)
    .map((line) => line.trim());
}

describe("secrets, tokens and what is made of them", () => {
  test("are compared by no operator and no search", () => {
    const found = FOLDERS.flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(".ts"))
        .flatMap((file) =>
          suspiciousLines(readFileSync(join(ROOT, folder, file), "utf8")).map(
            (line) => `${folder}/${file}: ${line}`,
          ),
        ),
    );
    expect(found).toEqual([]);
  });

  test("would be found out if they were", () => {
    for (const line of [
      "if (secret === record.secretHash) return;",
      "return hashSecret(secret) == stored;",
      "return stored !== digestOf(token);",
      "if (expected === given.token) return true;",
      "return adminToken.startsWith(given);",
      "return buffer.equals(mac);",
    ]) {
      expect(suspiciousLines(line)).toEqual([line]);
    }
    expect(suspiciousLines("if (token === null || secretHash === REVOKED) return;")).toEqual([]);
  });
});

test("a token check takes the token alone, whatever its length", () => {
  const right = testSecret("token");
  const check = createTokenCheck(right);
  const wrong = [
    "",
    right.slice(0, -1),
    `${right}x`,
    right.toUpperCase(),
    "x".repeat(100_000),
    "\u0000",
    "😀",
  ];
  expect([check(right), ...wrong.map(check)]).toEqual([true, ...wrong.map(() => false)]);
});
